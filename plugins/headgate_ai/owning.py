"""Whose files and batches are whose, where one key of a provider serves several teams.

1. What a create answered with belongs to the team that asked for it (`owner_of`), and so do the files that come out of
   what it made: each id has a record in the role `blobs`, under the provider's address, the key's name, and its collection.
2. Everybody else is told that there is no such thing, exactly as where there is none: nobody is asked.
3. Lists are the provider's, without what is not the asker's. Of a page that is empty then, the next is asked for: clients
   stop at an empty one. Pages are asked for as long as the provider gives them, since most of it is others'.
4. What was made before there were records, or behind the gateway's back, is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from headgate.api import Blobs, ClientFault, Exchange, UpstreamFault
from headgate_ai.forward_paths import Place
from headgate_ai.models import Model
from headgate_ai.reading import owner_of

# As long as the thing itself, which providers keep until it is deleted.
_KEEP_S: Final = 10 * 365 * 86_400.0
# Fields of a batch, an upload or a job that name files which came out of it, or went in.
_OUTPUTS: Final = ("output_file_id", "error_file_id", "output_file", "error_file")
_INPUTS: Final = ("input_file_id", "input_files")
# Where a list stands.
_LISTS: Final = ("data", "files", "batches", "operations")


class Owning:
    """The records, for one exchange and one key of a model, by its place."""

    def __init__(self, ctx: Exchange, model: Model, key: int = 0) -> None:
        blobs = ctx.node.stores.blobs
        if blobs is None:
            raise UpstreamFault(
                "upstream.unconfigured", "No store here knows whose files are whose: none has the role `blobs`.",
                status=503, sent=False,
            )  # fmt: skip
        self._blobs: Blobs = blobs
        self._owner = owner_of(ctx)
        self._expires_at = ctx.node.clock.time() + _KEEP_S
        name = model.keys.secrets[key].name if model.keys.secrets else ""
        self._account = f"ai.forward/{model.target}/{name}"

    def __repr__(self) -> str:
        return f"<Owning {self._account} of {self._owner or 'everybody'}>"

    async def check(self, collection: str, ident: str) -> None:
        """ClientFault where it is not the asker's."""
        if not await self.has(collection, ident):
            raise ClientFault("request.invalid", f"There is no `{ident}` in {collection} here.", status=404)

    async def has(self, collection: str, ident: str) -> bool:
        return await self._blobs.get(self._key(collection, ident), owner=self._owner) is not None

    async def check_inputs(self, body: Any) -> None:
        """ClientFault where what is to be made is made of a file that is not the asker's."""
        for ident in _named(body, _INPUTS):
            await self.check("/files", ident)

    async def made(self, place: Place, said: Any) -> None:
        """Note what an answer says was made."""
        if place.shape.does == "create" and isinstance(ident := _id_of(said), str):
            await self._put(place.shape.collection, ident)
        for ident in _named(said, _OUTPUTS):
            await self._put("/files", ident)
        if place.shape.collection == "/uploads" and isinstance(said, dict) and isinstance(said.get("file"), dict):
            await self._put("/files", str(said["file"].get("id")))

    async def gone(self, place: Place) -> None:
        """Forget what was deleted."""
        await self._blobs.delete(self._key(place.shape.collection, place.id or ""), owner=self._owner)

    async def own(self, place: Place, page: dict[str, Any]) -> bool:
        """Leave of a page what is the asker's. Whether there is any."""
        for name in _LISTS:
            if isinstance(page.get(name), list):
                page[name] = [one for one in page[name] if await self._owns(place, one)]
                if "total" in page:
                    page["total"] = len(page[name])
                _bound(page, page[name])
                return bool(page[name])
        return False

    async def _owns(self, place: Place, one: Any) -> bool:
        ident = _id_of(one)
        return isinstance(ident, str) and await self.has(place.shape.collection, ident)

    async def _put(self, collection: str, ident: str) -> None:
        await self._blobs.put(
            self._key(collection, ident), b"", owner=self._owner, expires_at=self._expires_at
        )  # fmt: skip

    def _key(self, collection: str, ident: str) -> str:
        return f"{self._account}{collection}/{ident}"


def cut(page: dict[str, Any], limit: int) -> None:
    """Leave of a page what its client wanted; what is left out, follows."""
    things = page.get("data")
    if isinstance(things, list) and len(things) > limit:
        page["data"] = things[:limit]
        page["has_more"] = True
        _bound(page, page["data"])


def _bound(page: dict[str, Any], things: list[Any]) -> None:
    """Say with which a page begins and ends, where it says so."""
    if isinstance(page.get("first_id"), str) or isinstance(page.get("last_id"), str):
        ids = [_id_of(one) for one in things] or [None]
        page["first_id"], page["last_id"] = ids[0], ids[-1]


def last_of(page: Any) -> str | None:
    """The id at which the next page begins; None where there is none."""
    if not isinstance(page, dict) or page.get("has_more") is not True or not page.get("data"):
        return None
    ident = _id_of(page["data"][-1])
    return ident if isinstance(ident, str) else None


def decoded(data: bytes) -> Any:
    """What an answer says; None where it is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _id_of(said: Any) -> Any:
    """An id; of Google's `files/abc` the last part, also where it stands under `file`."""
    if not isinstance(said, dict):
        return None
    if "id" in said:
        return said["id"]
    name = said.get("name") or (said["file"].get("name") if isinstance(said.get("file"), dict) else None)
    return name.rpartition("/")[2] if isinstance(name, str) else None


def _named(said: Any, fields: tuple[str, ...]) -> Iterator[str]:
    """The ids in these fields, one or a list of them."""
    for name in fields:
        value = said.get(name) if isinstance(said, dict) else None
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))
