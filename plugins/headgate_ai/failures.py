"""What a provider's failure becomes here: a sentence, never a key, and a status that the client can act on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import trio

from headgate.api import Body, Line, Response, UpstreamFault
from headgate.api.ai import KeyState, Refusal
from headgate_ai.hiding import without
from headgate_ai.keys import state_of
from headgate_ai.resets import wait_of

if TYPE_CHECKING:
    from headgate_ai.models import Model

# An error that takes more than this to say is a web page.
_ERROR_BYTES: Final = 1 << 16
# What is longer than a day is no advice to a client.
_LONGEST_S: Final = 86_400.0
# The status has come, and says enough; what explains it may take so long, whatever the line allows for an answer.
_ERROR_S: Final = 2.0
# The provider's statuses that tell the client something about its own request; every other one is ours to mend.
_CLIENTS_OWN: Final = frozenset({400, 413, 422, 429})


class Refused(UpstreamFault):
    """An error that the provider answered with. `key` is what it says of the key, `wait_s` how long it asks to wait."""

    key: KeyState = "ok"
    wait_s: float | None = None


class KeyFault(UpstreamFault):
    """Nothing was sent, for the key is of no use: no token can be got for it. Another key of the pool may do."""


async def refused(model: Model, response: Response, now: float) -> Refused:
    """An error of the provider, as one of ours. `now` is in seconds since 1970."""
    status = response.status
    said = model.dialect.refusal(await _first(response.body), response.headers)
    fields = dict(said.fields) if said else {}
    key = state_of(status, said)
    wait = wait_of(response.headers, now)
    wait = fields.get("retry_after_s") if wait is None else wait
    fault = Refused(
        "upstream.status",
        _sentence(model, status, said, key),
        status=status if status in _CLIENTS_OWN and (status == 429 or key in ("ok", "limited")) else 502,
        record=without(model.hidden, {"upstream_status": status, **fields}),
        headers=waiting(wait),
    )
    fault.key, fault.wait_s = key, wait
    return fault


def waiting(wait_s: float | None) -> Sequence[Line]:
    """The line that tells a client to wait; whole seconds are all that it can say."""
    return [(b"retry-after", b"%d" % math.ceil(min(wait_s, _LONGEST_S)))] if wait_s is not None else ()


def _sentence(model: Model, status: int, said: Refusal | None, key: KeyState) -> str:
    if key == "invalid":
        return f"{model.resource} refuses the gateway's key ({status}): look at its `key`."
    told = f": {said.message}" if said else "."
    return str(without(model.hidden, f"{model.resource} answered with status {status}{told}"))


async def _first(body: bytes | Body) -> bytes:
    """As much of a body as an error takes."""
    if isinstance(body, bytes):
        return body[:_ERROR_BYTES]
    data = b""
    try:
        with trio.move_on_after(_ERROR_S):
            while len(data) < _ERROR_BYTES and (piece := await body.read()):
                data += piece
    except UpstreamFault:
        pass  # The status says enough.
    return data


def without_key(model: Model, said: bytes) -> bytes:
    """Providers have been seen to repeat the key in their errors; see `hiding`."""
    return bytes(without(model.hidden, said))


def broken(model: Model, why: str) -> UpstreamFault:
    """What came is no answer."""
    return UpstreamFault(
        "upstream.protocol", without_key(model, f"{model.resource} {why}.".encode()).decode(),
        record={"target": model.where, "phase": "body"},
    )  # fmt: skip


def too_late(model: Model, limit_s: float) -> UpstreamFault:
    """The head came in time, and what has to be read before it could be answered did not."""
    return UpstreamFault(
        "upstream.timeout", f"{model.resource} did not answer within {limit_s:g} s.",
        status=504, record={"target": model.where, "phase": "body"},
    )  # fmt: skip
