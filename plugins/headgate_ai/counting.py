"""`ai.count`: how many tokens a chat has, for clients that ask before they send it.

1. A model whose provider counts is asked, by whatever dialect its client speaks; that costs nothing.
2. A provider that does not count is not asked. Then the answer is our own estimate, from the size of the texts, and says
   so in a line (`x-headgate-estimated: true`); or with `estimate=false` the next model is tried, and else it is
   `ai.unsupported`.
3. Pictures, sounds and documents have no size that we could guess from: with one of these, rule 2 has no estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import trio

from headgate.api import (
    BEFORE_RESPONSE,
    Bound,
    Duration,
    Exchange,
    FakeChat,
    Money,
    PluginFault,
    Response,
    Timeouts,
    step,
)
from headgate.api.ai import Chat, Counted, CountsIn, CountsOut, Garbled, Text, Unsupported, Written, tokens_in
from headgate_ai.asking import ask, timeouts, unsupported, within
from headgate_ai.attempts import end
from headgate_ai.capabilities import Lacking
from headgate_ai.choosing import first_that_can
from headgate_ai.failures import broken, too_late
from headgate_ai.models import Model
from headgate_ai.naming import chosen
from headgate_ai.reading import CHAT, dialect_of
from headgate_ai.referring import Policy, pinned
from headgate_ai.whole import whole_body

if TYPE_CHECKING:
    from headgate.api import Line

_ESTIMATED: Line = (b"x-headgate-estimated", b"true")


@step("ai.count", hinge=True, effect="upstream", needs="chat", raises=("upstream.*", "ai.*"), phase=BEFORE_RESPONSE)
async def ai_count(
    ctx: Exchange,
    model: Model | list[Model] | str,
    /,
    *,
    from_: list[str] | None = None,
    estimate: bool = True,
    timeout: Duration = 30.0,
) -> None:
    """Answer how many tokens the chat has, in the client's dialect: Anthropic's `/v1/messages/count_tokens`, Gemini's
    `:countTokens`. A text is the name of a model, as in `ai.chat`.

    The model's provider is asked where it counts (Anthropic, Gemini); where it does not, the answer is an estimate, and
    has a line `x-headgate-estimated: true`; or with `estimate=false` there is none.
    """
    chat: Chat | None = ctx.recall(CHAT)
    if chat is None:
        raise PluginFault("`ai.count` has no chat: `read.chat` was faked, or did not run.", plugin="ai")
    await count_with(ctx, chat, chosen(ctx, model, from_, "ai.count"), timeout, estimates=estimate)


async def count_with(
    ctx: Exchange,
    chat: Chat,
    models: list[Model],
    timeout: float,
    *,
    estimates: bool = True,
    references: Policy = "own",
) -> None:
    """Answer with how many tokens the chat has, for the first model that can say."""
    question = CountQuestion(ctx, chat, timeouts(timeout, timeout, timeout))
    await first_that_can(models, partial(_count_with, question, estimates, references))


def wants_count(ctx: Exchange, chat: Chat) -> bool:
    """Whether the client wants its chat counted, and not answered."""
    counts = getattr(dialect_of(ctx, chat), "counts", None)
    return counts is not None and bool(counts(ctx.request.path))


@dataclass(slots=True)
class CountQuestion:
    """A chat, to be counted. See `Asking`."""

    ctx: Exchange
    chat: Chat
    timeouts: Timeouts
    refuses_unknown: bool = False

    @property
    def streams(self) -> bool:
        return False

    def missing(self, model: Model) -> Lacking | None:
        return None

    def write(self, model: Model, cap: int | None) -> Written:
        if not isinstance(model.dialect, CountsOut):
            raise Unsupported("Its provider counts no tokens.", "model")
        return model.dialect.write_count(self.chat, model.endpoint)

    def bound(self, model: Model, cap: int | None) -> Bound:
        """Counting is free: https://platform.claude.com/docs/en/build-with-claude/token-counting,
        https://ai.google.dev/gemini-api/docs/tokens."""
        return Bound(model.label, 0, Money(0))

    def most_input(self, model: Model) -> int | None:
        return None

    def hides(self, model: Model) -> bool:
        return False

    def likely(self, model: Model) -> Counted:
        return Counted()

    def play(self, model: Model, written: Written, fake: FakeChat) -> Response:
        """What `chat_reply(…, prompt_tokens=12)` says of the prompt."""
        name = "totalTokens" if written.path.partition(b"?")[0].endswith(b":countTokens") else "input_tokens"
        return Response(200, [(b"content-type", b"application/json")], msgspec.json.encode({name: fake.prompt_tokens}))


async def _count_with(question: CountQuestion, estimates: bool, references: Policy, model: Model) -> None:
    chat, ctx = question.chat, question.ctx
    inbound = dialect_of(ctx, chat)
    if not isinstance(inbound, CountsIn):
        raise unsupported(model, f"Clients of `{inbound.name}` have nothing counted.", "")
    lines: list[Line] = [(b"content-type", b"application/json")]
    if isinstance(model.dialect, CountsOut):
        tokens = await _asked(question, references, model)
    elif estimates:
        tokens = _estimate(chat, model)
        lines.append(_ESTIMATED)
    else:
        raise unsupported(model, "Its provider counts no tokens.", "model")
    ctx.answer(Response(200, lines, inbound.render_count(tokens)))


async def _asked(question: CountQuestion, references: Policy, model: Model) -> int:
    place = await pinned(question, question.chat, model, references)
    asked, response = await ask(question, model, place)
    result = "cut"
    try:
        with trio.move_on_after(within(question, asked)) as limit:
            tokens = _tokens(model, await whole_body(model, response.body))
            asked.settle(Counted())
            result = "ok"
    finally:
        await response.aclose()
        end(asked, result)
    if limit.cancelled_caught:
        raise too_late(model, question.timeouts.head_s or 0.0)
    return tokens


def _tokens(model: Model, data: bytes) -> int:
    assert isinstance(model.dialect, CountsOut)
    try:
        return model.dialect.counted_tokens(data)
    except Garbled as error:
        raise broken(model, f"answered {error}") from None


def _estimate(chat: Chat, model: Model) -> int:
    """From the size of what is there to read: the texts, and tools as they are."""
    content = chat.content()
    parts = [part for message in content.messages for part in message.parts]
    if any(not isinstance(part, Text) and type(part).__name__ in ("Image", "Audio", "File") for part in parts):
        raise unsupported(model, "Nobody here can count a picture, a sound or a document.", "messages")
    return tokens_in(len(msgspec.json.encode(parts)) + len(msgspec.json.encode(content.tools)))
