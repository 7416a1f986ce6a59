"""`read.json`: the client's body, read once, strictly, and held against a type.

What is checked is what goes on: whoever sends the body sends the bytes as they came, or where a line has set a field, or
unknown fields were dropped, the value as it stands then.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import trio

from headgate.api import (
    BEFORE_RESPONSE,
    ClientFault,
    Const,
    Exchange,
    Ge,
    Json,
    JsonBody,
    Misfit,
    NotStrict,
    Size,
    TypeRef,
    decode_strictly,
    read_all,
    step,
)

# A quarter of a megabyte of nothing but brackets takes 15 ms to read: what is larger may not keep the others waiting.
LARGE_BYTES: Final = 1 << 18
# A body of ten thousand wrong numbers shall not be answered with ten thousand sentences.
MOST_FAULTS: Final = 50


@step(
    "read.json", gives="body", raises=("request.invalid", "request.too_large", "request.timeout"),
    phase=BEFORE_RESPONSE, returns_type_of="shape",
)  # fmt: skip
async def read_json(
    ctx: Exchange,
    shape: TypeRef | None = None,
    /,
    *,
    max: Annotated[Const[Size], Ge(1)] = 1 << 20,
    unknown: Literal["refuse", "drop"] = "refuse",
) -> Json:
    """Read a JSON body of at most `max` bytes that is of this type. Its fields can be set until it is sent on.

    What does not fit is refused with 400 and every fault at once, each with its place. A field that the type does not
    have is a fault, or with `unknown=drop` left out. Without a type, any JSON will do.
    """
    request = ctx.request
    coding = request.headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise ClientFault("request.invalid", "The body is encoded; send it without a content-encoding.", status=415)
    data = await read_all(request.body, max)
    try:
        if len(data) > LARGE_BYTES and not ctx.node.rehearsing:
            value = await trio.to_thread.run_sync(decode_strictly, data)
        else:
            value = decode_strictly(data)
    except NotStrict as error:
        raise refused(error.message, [(f"/{error.where}" if error.where else "", error.message)]) from None
    try:
        found: Any = value if shape is None else shape.decode(value, unknown=unknown)
    except Misfit as misfit:
        faults = [(fault.pointer, fault.detail) for fault in misfit.faults]
        raise refused(_summary(faults), faults) from None
    request.body = JsonBody(data, found, changed=found != value)
    return found


def refused(message: str, faults: list[tuple[str, str]]) -> ClientFault:
    """400, with the faults as RFC 9457 §3 shows them: `errors`, each a pointer and a sentence."""
    errors = [{"pointer": f"#{pointer}", "detail": detail} for pointer, detail in faults[:MOST_FAULTS]]
    where = faults[0][0].removeprefix("/").replace("/", ".")
    record: dict[str, Any] = {"errors": errors, **({"where": where} if where else {})}
    return ClientFault("request.invalid", message, status=400, record=record)


def _summary(faults: list[tuple[str, str]]) -> str:
    pointer, detail = faults[0]
    more = f" {len(faults) - 1} more faults are listed." if len(faults) > 2 else ""
    more = " One more fault is listed." if len(faults) == 2 else more
    return f"{f'`{pointer[1:]}`' if pointer else 'The body'} {detail}.{more}"
