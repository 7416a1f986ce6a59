"""What a provider answers: counts out of whole answers, and what its errors say."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted, Garbled, Refusal
from headgate_openai.chat.keys import key_state


class PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage` as OpenAI has it; those who are compatible leave parts of it out, or null."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    def counted(self) -> Counted:
        prompt = self.prompt_tokens_details or _NO_PROMPT
        completion = self.completion_tokens_details or _NO_COMPLETION
        return Counted(
            input_tokens=self.prompt_tokens or 0,
            output_tokens=self._answered(completion.reasoning_tokens or 0),
            cached_tokens=prompt.cached_tokens or 0,
            cache_write_tokens=prompt.cache_write_tokens or 0,
            reasoning_tokens=completion.reasoning_tokens or 0,
            input_audio_tokens=prompt.audio_tokens or 0,
            output_audio_tokens=completion.audio_tokens or 0,
        )

    def _answered(self, thought: int) -> int:
        """Some count what was thought beside the completion, and bill both; then the total is the sum of all three:
        https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/grok/capabilities/reasoning."""
        said = self.completion_tokens or 0
        beside = thought > 0 and self.total_tokens == (self.prompt_tokens or 0) + said + thought
        return said + thought if beside else said


_NO_PROMPT, _NO_COMPLETION = PromptDetails(), CompletionDetails()


class WireAnswer(msgspec.Struct):
    """The part of an answer that is looked at; the rest is passed on unseen."""

    choices: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw | None = None


class WireError(msgspec.Struct):
    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


_answers = msgspec.json.Decoder(WireAnswer)
_errors = msgspec.json.Decoder(WireError)
_refusals = msgspec.json.Decoder(dict[str, msgspec.Raw])


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled where it is no chat completion."""
    try:
        answer = _answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no chat completion in JSON" if data else "with an empty body") from None
    if answer.choices is None:
        raise Garbled("with JSON that is no chat completion: it has no `choices`")
    return answer.usage.counted() if answer.usage is not None else None


def refusal(data: bytes) -> Refusal | None:
    """What an error says, in OpenAI's shape, or as `{"error": "…"}` or `{"message": "…"}`, which others send."""
    try:
        body = _refusals.decode(data)
        raw = body.get("error")
        if raw is None or bytes(raw) == b"null":
            return _said(body.get("message"), body.get("code"))
        if bytes(raw).startswith(b'"'):
            return _said(raw, None)
        said = _errors.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fields: dict[str, Any] = {}
    if said.param:
        fields["where"] = said.param
    if isinstance(said.code, str):
        fields["code"] = said.code
    return Refusal(said.message, fields, key_state(said.message, said.code, said.type))


def _said(raw: msgspec.Raw | None, code: msgspec.Raw | None) -> Refusal | None:
    if raw is None:
        return None
    message = msgspec.json.decode(raw, type=str)
    return Refusal(message, {}, key_state(message, None if code is None else msgspec.json.decode(code)))
