"""Counts: `usageMetadata`, https://ai.google.dev/api/generate-content#UsageMetadata.

1. `promptTokenCount` includes what was cached. What tools that Google runs put into the prompt is counted beside it, and
   is input too. `candidatesTokenCount` leaves thoughts out; they are output.
2. So input is prompt + tool use, output is candidates + thoughts, and the total is the sum of the four.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted


class Detail(msgspec.Struct, rename="camel"):
    """Tokens of one kind: TEXT, IMAGE, AUDIO, VIDEO, DOCUMENT."""

    modality: str = ""
    token_count: int | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    """As Google has it; what is 0 is left out there."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: list[Detail] | None = None
    candidates_tokens_details: list[Detail] | None = None
    tool_use_prompt_tokens_details: list[Detail] | None = None

    def counted(self) -> Counted:
        """As every dialect counts here."""
        read = [*(self.prompt_tokens_details or ()), *(self.tool_use_prompt_tokens_details or ())]
        said = self.candidates_tokens_details or []
        thoughts = self.thoughts_token_count or 0
        return Counted(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + thoughts,
            cached_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
            input_audio_tokens=_of(read, "AUDIO"),
            output_audio_tokens=_of(said, "AUDIO"),
            input_image_tokens=_of(read, "IMAGE"),
            output_image_tokens=_of(said, "IMAGE"),
        )


def _of(details: list[Detail], modality: str) -> int:
    return sum(one.token_count or 0 for one in details if one.modality == modality)


def metadata(counted: Counted) -> dict[str, Any]:
    """`usageMetadata` for a client. Tokens written to a cache have no place of their own: they are in the prompt's."""
    said = counted.output_tokens - counted.reasoning_tokens
    made: dict[str, Any] = {
        "promptTokenCount": counted.input_tokens,
        "candidatesTokenCount": said,
        "totalTokenCount": counted.input_tokens + counted.output_tokens,
    }
    if counted.reasoning_tokens:
        made["thoughtsTokenCount"] = counted.reasoning_tokens
    if counted.cached_tokens:
        made["cachedContentTokenCount"] = counted.cached_tokens
    _detail(made, "promptTokensDetails", counted.input_tokens, counted.input_audio_tokens, counted.input_image_tokens)
    _detail(made, "candidatesTokensDetails", said, counted.output_audio_tokens, counted.output_image_tokens)
    return made


def _detail(made: dict[str, Any], name: str, total: int, audio: int, image: int) -> None:
    if audio or image:
        kinds = {"TEXT": total - audio - image, "AUDIO": audio, "IMAGE": image}
        made[name] = [{"modality": kind, "tokenCount": count} for kind, count in kinds.items() if count]
