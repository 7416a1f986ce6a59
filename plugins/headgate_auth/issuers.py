"""Where keys come from: given in the policy, or fetched from the issuer and kept.

1. Keys are fetched when the first token comes, and again every `REFRESH_S`. While they are being fetched, and while that
   fails, those that are known serve on, up to `STALE_S`; after that nothing passes.
2. A token that names a key which is not known may mean that the issuer has a new one: then they are fetched again, but not
   more than once in `UNKNOWN_S`, whatever strangers send.
3. One fetch at a time; whoever needs its result waits for it. It goes on if the one that began it hangs up, or a client
   that comes and goes could keep the keys away.
4. A key that the issuer has withdrawn is forgotten with the next fetch, and with it every token that was verified by it:
   `generation` tells.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import trio

from headgate.api import Node, UpstreamFault
from headgate_auth.keyrings import Keyring, keyring_of
from headgate_auth.kinds import unavailable

log = logging.getLogger("headgate.auth")

REFRESH_S: Final = 600.0
RETRY_S: Final = 5.0
UNKNOWN_S: Final = 30.0
STALE_S: Final = 86_400.0
FETCH_S: Final = 10.0
WELL_KNOWN: Final = "/.well-known/openid-configuration"


class KeySource(Protocol):
    """Keys of one issuer. `generation` changes with every set of keys."""

    generation: int

    def due(self, now: float) -> bool:
        """Whether it is time to look for new keys; `now` is monotonic."""
        ...

    async def ring(self, node: Node) -> Keyring:
        """The keys. ClientFault `auth.unavailable` where there are none to be had."""
        ...

    async def newer(self, node: Node, than: Keyring) -> Keyring:
        """The keys, fetched again if they may be: an unknown one was named."""
        ...


class Given:
    """Keys that the policy gives: they never change."""

    def __init__(self, ring: Keyring) -> None:
        self.generation = 0
        self._ring = ring

    def due(self, now: float) -> bool:
        return False

    async def ring(self, node: Node) -> Keyring:
        return self._ring

    async def newer(self, node: Node, than: Keyring) -> Keyring:
        return self._ring


class Fetched:
    """Keys that an issuer publishes. One object for each issuer and node, shared by all lines and Snapshots."""

    def __init__(self, issuer: str, jwks: str | None) -> None:
        self.generation = 0
        self._issuer = issuer
        self._jwks = jwks
        self._ring: Keyring | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._tries = 0
        self._next_at = float("-inf")
        self._one_at_a_time = trio.Lock()

    def __repr__(self) -> str:
        return f"<Fetched {self._issuer} [{len(self._ring) if self._ring else 'no'} keys]>"

    def due(self, now: float) -> bool:
        return now >= self._next_at and not self._one_at_a_time.locked()

    async def ring(self, node: Node) -> Keyring:
        now = node.clock.monotonic()
        if now >= self._next_at and (self._ring is None or self.due(now)):
            await self._fetch(node)
        if self._ring is None:
            unavailable("Tokens cannot be checked now: the issuer's keys are not to be had. Try again in a moment.")
        return self._ring

    async def newer(self, node: Node, than: Keyring) -> Keyring:
        now = node.clock.monotonic()
        if self._ring is than and now - self._tried_at >= UNKNOWN_S:
            await self._fetch(node)
        return self._ring or than

    async def _fetch(self, node: Node) -> None:
        tries = self._tries
        async with self._one_at_a_time:
            if self._tries != tries:
                return  # somebody else has tried in the meantime
            with trio.CancelScope(shield=True):
                await self._try(node)

    async def _try(self, node: Node) -> None:
        try:
            ring = keyring_of(await self._download(node))
        except (UpstreamFault, ValueError, RecursionError) as error:
            log.warning("the keys of %s cannot be had: %s", self._issuer, error)
            now = node.clock.monotonic()
            self._next_at = now + RETRY_S
            if self._ring is not None and now - self._fetched_at > STALE_S:
                self._ring = None
                self.generation += 1
        else:
            self._ring = ring
            self.generation += 1
            self._fetched_at = node.clock.monotonic()
            self._next_at = self._fetched_at + REFRESH_S
        finally:
            self._tries += 1
            self._tried_at = node.clock.monotonic()

    async def _download(self, node: Node) -> bytes:
        url = self._jwks
        if url is None:
            found = await node.fetch.get(self._issuer.rstrip("/") + WELL_KNOWN, timeout_s=FETCH_S)
            url = jwks_url(self._issuer, json.loads(found))
        return await node.fetch.get(url, timeout_s=FETCH_S)


def jwks_url(issuer: str, document: Any) -> str:
    """Where an issuer's keys are, from its discovery document (OpenID Connect Discovery 1.0 §4.3). ValueError."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError("its discovery document is for another issuer")
    url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise ValueError("its discovery document has no `jwks_uri`")  # noqa: TRY004 - what came from outside is a value
    if urlsplit(issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise ValueError("its discovery document leads from https to a URL without it")
    return url
