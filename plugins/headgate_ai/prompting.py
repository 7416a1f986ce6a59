"""`prompt` and `ai.prompt`: words of the policy with values in them, and an answer of a type of the policy.

1. The type goes along as a JSON schema where the model takes one, and is said in words where it does not. Either way the
   answer is held against the type here: a schema is a provider's promise, a type is ours.
2. An answer that does not fit is shown to the model with what is wrong with it, `repair` times. Each try is an attempt of
   its own: it is paid for, and it is in the row.
3. Values are put into the words as they are. Nothing in them is ever read as a part of the prompt's own language.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec

from headgate.api import (
    Duration,
    Exchange,
    Ge,
    Json,
    Le,
    Misfit,
    ResourceContext,
    Text,
    TypeRef,
    UpstreamFault,
    resource,
    step,
)
from headgate.api.ai import Answer, Chat, Content, Format, Message
from headgate.api.ai import Text as Words
from headgate_ai.asking import timeouts
from headgate_ai.choosing import as_list, first_that_can, fits
from headgate_ai.models import Model
from headgate_ai.questions import Question
from headgate_ai.whole import whole_answer


class Prompt:
    """What is said to a model: instructions, and what the user says."""

    resource_kind = "prompt"

    __slots__ = ("system", "user")

    def __init__(self, system: str | None, user: str) -> None:
        self.system = system
        self.user = user

    def __repr__(self) -> str:
        return f"<Prompt {len(self.user)} characters>"

    def messages(self) -> list[Message]:
        """As a conversation."""
        told = [] if self.system is None else [Message("system", [Words(self.system)])]
        return [*told, Message("user", [Words(self.user)])]


@resource("prompt", takes_params=True)
def prompt(ctx: ResourceContext, *, user: Text, system: Text | None = None) -> Prompt:
    """What to say to a model: `prompt classify(message: text) { system = "…" user = "… {message}" }`."""
    return Prompt(system, user)


@step(
    "ai.prompt", effect="upstream", raises=("upstream.*", "ai.*"), returns_type_of="output", prepare=fits,
)  # fmt: skip
async def ai_prompt(
    ctx: Exchange,
    prompt: Prompt,
    /,
    *,
    model: Model | list[Model],
    output: TypeRef | None = None,
    repair: Annotated[int, Ge(0), Le(3)] = 0,
    temperature: float | None = None,
    max_tokens: Annotated[int, Ge(1)] | None = None,
    timeout: Duration = 60.0,
) -> Json:
    """Say something to a model, and bind what it answers: a text, or with `output` a value of that type.

    Of several models the next is asked when one fails. An answer that does not fit the type is shown to the model again
    with what is wrong, `repair` times; then it is `ai.bad_output`. `timeout` is for each try.
    """
    wanted = _Wanted(ctx, prompt, output, repair, temperature, max_tokens, timeout)
    return await first_that_can(as_list(model), partial(_ask, wanted))


class _Wanted:
    """One `ai.prompt`, whichever model is asked."""

    __slots__ = ("ctx", "max_tokens", "output", "prompt", "repair", "temperature", "timeout")

    def __init__(
        self,
        ctx: Exchange,
        prompt: Prompt,
        output: TypeRef | None,
        repair: int,
        temperature: float | None,
        max_tokens: int | None,
        timeout: float,
    ) -> None:
        self.ctx = ctx
        self.prompt = prompt
        self.output = output
        self.repair = repair
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.timeout = timeout

    def question(self, model: Model, messages: list[Message]) -> Question:
        """What to ask this model."""
        content = Content(list(messages))
        if self.output is not None and model.takes_schemas:
            content.format = Format("schema", self.output.name, self.output.json_schema(bounds=False), True)
        chat = Chat.made(model.name, content, temperature=self.temperature, max_tokens=self.max_tokens)
        return Question(self.ctx, chat, timeouts(self.timeout, self.timeout, None))


async def _ask(wanted: _Wanted, model: Model) -> Any:
    messages = wanted.prompt.messages()
    if wanted.output is None:
        return said(await whole_answer(wanted.question(model, messages), model))
    if not model.takes_schemas:
        messages = [Message("system", [Words(_in_words(wanted.output.json_schema()))]), *messages]
    for _ in range(wanted.repair):
        text = said(await whole_answer(wanted.question(model, messages), model))
        try:
            return wanted.output.decode(bare(text))
        except Misfit as misfit:
            messages += [Message("assistant", [Words(text)]), Message("user", [Words(_wrong(misfit))])]
    text = said(await whole_answer(wanted.question(model, messages), model))
    try:
        return wanted.output.decode(bare(text))
    except Misfit as misfit:
        raise UpstreamFault(
            "ai.bad_output", f"{model.resource} gave no {wanted.output.name}: {misfit}", status=502
        ) from None


def said(answer: Answer) -> str:
    """The words of an answer."""
    parts = answer.choices[0].parts if answer.choices else []
    return "".join(part.text for part in parts if isinstance(part, Words))


def bare(text: str) -> bytes:
    """JSON out of the fence that many models put around it."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    return text.encode()


def _in_words(schema: dict[str, Any]) -> str:
    return f"Answer with JSON alone, without any other word, that fits this JSON schema:\n{msgspec.json.encode(schema).decode()}"


def _wrong(misfit: Misfit) -> str:
    faults = "\n".join(f"- {fault.pointer or 'the whole'}: {fault.detail}" for fault in misfit.faults)
    return f"This is not what was asked for:\n{faults}\nAnswer again, with all of the JSON and nothing else."
