"""What a provider's failure becomes here: a sentence, never a key, and a status that the client can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from headgate.api import Body, Response, UpstreamFault
from headgate_ai.keys import state_of

if TYPE_CHECKING:
    from headgate_ai.models import Model

# An error that takes more than this to say is a web page.
_ERROR_BYTES: Final = 1 << 16
# The status has come, and says enough; what explains it may take so long, whatever the line allows for an answer.
_ERROR_S: Final = 2.0
# The provider's statuses that tell the client something about its own request; every other one is ours to mend.
_CLIENTS_OWN: Final = frozenset({400, 413, 422, 429})


async def refused(model: Model, response: Response) -> UpstreamFault:
    """An error of the provider, as one of ours."""
    status = response.status
    said = model.dialect.refusal(await _first(response.body), response.headers)
    fields = dict(said.fields) if said else {}
    ours = state_of(status, fields.get("code")) == "invalid"
    if ours:
        message = f"{model.resource} refuses the gateway's key ({status}): look at its `key`."
    else:
        message = f"{model.resource} answered with status {status}" + (f": {said.message}" if said else ".")
    wait = response.headers.get(b"retry-after")
    if wait is None and "retry_after_s" in fields:
        wait = b"%d" % fields["retry_after_s"]
    return UpstreamFault(
        "upstream.status",
        without_key(model, message.encode()).decode(),
        status=status if status in _CLIENTS_OWN and not ours else 502,
        record={"upstream_status": status, **fields},
        headers=[(b"retry-after", wait)] if wait is not None else (),
    )


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
    """Providers have been seen to repeat the key in their errors."""
    for secret in model.keys.secrets:
        if secret.is_set:
            said = said.replace(secret.reveal().encode(), "…".encode())
    return said


def broken(model: Model, why: str) -> UpstreamFault:
    """What came is no answer."""
    return UpstreamFault(
        "upstream.protocol", without_key(model, f"{model.resource} {why}.".encode()).decode(),
        record={"target": str(model.target), "phase": "body"},
    )  # fmt: skip


def too_late(model: Model, limit_s: float) -> UpstreamFault:
    """The head came in time, and what has to be read before it could be answered did not."""
    return UpstreamFault(
        "upstream.timeout", f"{model.resource} did not answer within {limit_s:g} s.",
        status=504, record={"target": str(model.target), "phase": "body"},
    )  # fmt: skip
