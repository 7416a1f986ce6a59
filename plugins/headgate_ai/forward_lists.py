"""A page of what one team has, where the provider lists what all have.

1. Most of what a provider lists is others'. So the longest page that it gives is asked for, and of what is the asker's as
   much is told as was wanted; the next page begins behind it.
2. A page with nothing of the asker's is no end: the next is asked for. After some it is told as it is, empty, with where to
   go on: one request may not ask the provider any number of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.api import ClientFault, Response, UpstreamFault, read_all
from headgate_ai.owning import cut, decoded, last_of

if TYPE_CHECKING:
    from headgate_ai.forwarding import Forward

# What is said of one thing, or of a page of them, is read whole.
_SAID_BYTES: Final = 1 << 24
# Pages that hold nothing of the asker's, in a row.
_MOST_PAGES: Final = 10
# The longest page that a provider gives: most of it is others', so it is asked for whatever the client wants.
# https://platform.openai.com/docs/api-reference/files/list, https://platform.claude.com/docs/en/api/files-list
_LONGEST_PAGE: Final = {
    ("openai", "/files"): 10_000,
    ("openai", "/batches"): 100,
    ("anthropic", "/files"): 1000,
    ("anthropic", "/messages/batches"): 1000,
}
_USUAL: Final = 20
_BEFORE: Final = "before_id"
# How a page that begins behind an id is asked for.
_AFTER: Final = {"anthropic": "after_id"}


async def listed(forward: Forward) -> Response:
    """The page that was asked for, without what is not the asker's. One that is empty has others behind it only where
    others' things fill all the pages that were looked at: then it says where to go on."""
    query = dict(forward.ctx.request.query)
    after, name = None, _AFTER.get(forward.model.dialect.name, "after")
    longest = _LONGEST_PAGE.get((forward.model.provider.name, forward.place.shape.collection))
    limit = _limit(query) if longest is not None and _BEFORE not in query else None
    more = {} if limit is None else {"limit": str(longest)}
    for _ in range(_MOST_PAGES):
        response = await forward.send(more)
        page = decoded(await whole(response))
        if not isinstance(page, dict):
            raise UpstreamFault("upstream.protocol", f"{forward.model.resource} answered with what is no list.")
        after = last_of(page) if _BEFORE not in query else None
        if await forward.owning.own(forward.place, page) or after is None:
            break
        more = {**more, name: after}
    else:
        page["last_id"] = after
    if limit is not None:
        cut(page, limit)
    return forward.told(response, msgspec.json.encode(page))


async def whole(response: Response) -> bytes:
    """All of an answer that says what was made, or of a page. UpstreamFault where it is too large."""
    if isinstance(response.body, bytes):
        return response.body
    try:
        return await read_all(response.body, _SAID_BYTES)
    except ClientFault:
        raise UpstreamFault("upstream.protocol", f"It says more than {_SAID_BYTES} bytes of what it has.") from None
    finally:
        await response.aclose()


def _limit(query: Mapping[str, str]) -> int | None:
    """How many the client wants; None where the provider has to say what is wrong with it."""
    said = query.get("limit", str(_USUAL))
    return int(said) if said.isascii() and said.isdigit() and 0 < len(said) < 6 and int(said) else None
