"""Mistral's dialect, as the provider is spoken to: OpenAI's chat completions, with differences.

Clients of Mistral send what OpenAI's send, to the same path: they are read by the dialect `openai`.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_mistral.outbound import MistralOut


class Mistral:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [Speaks("mistral", on="openai", over=MistralOut)]
