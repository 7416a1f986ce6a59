"""`read.chat`: the client's body, read once, strictly, into a `Chat`."""

from __future__ import annotations

from typing import Annotated, Final

import trio

from headgate.api import BEFORE_RESPONSE, BytesBody, ClientFault, Const, Exchange, Ge, NotStrict, Size, read_all, step
from headgate_ai.chat import Chat
from headgate_ai.dialects.openai import OPENAI

# A quarter of a megabyte of nothing but brackets takes 15 ms to read: what is larger may not keep the others waiting.
LARGE_BYTES: Final = 1 << 18
# Where `ai.chat` finds what `read.chat` has read.
CHAT: Final = "ai.chat"


@step(
    "read.chat", gives=("body", "chat"), raises=("request.invalid", "request.too_large"), phase=BEFORE_RESPONSE,
    dialect=OPENAI,
)  # fmt: skip
async def read_chat(ctx: Exchange, /, *, max: Annotated[Const[Size], Ge(1)] = 16 << 20) -> Chat:
    """Read an OpenAI chat completion request of at most `max` bytes. Its fields can be set until a model is asked.

    Refused are malformed JSON, keys given twice, names in the wrong case, and what lacks a model or messages.
    """
    request = ctx.request
    coding = request.headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise ClientFault("request.invalid", "The body is encoded; send it without a content-encoding.", status=415)
    data = await read_all(request.body, max)
    request.body = BytesBody(data)
    try:
        if len(data) > LARGE_BYTES and not ctx.node.rehearsing:
            chat = await trio.to_thread.run_sync(OPENAI.read, data)
        else:
            chat = OPENAI.read(data)
    except NotStrict as error:
        record = {"where": error.where} if error.where else {}
        raise ClientFault("request.invalid", error.message, status=400, record=record) from None
    ctx.remember(CHAT, chat)
    return chat
