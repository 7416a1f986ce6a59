"""Mistral's dialect, on both sides: OpenAI's chat completions, with differences.

Mistral's clients send to the path that OpenAI's send to; a line that reads for them says so: `read.chat dialect=mistral`.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Inbound, Outbound, Speaks
from headgate_mistral.embeddings import DOES, TAKES
from headgate_mistral.harmless import HARMLESS
from headgate_mistral.inbound import MistralIn
from headgate_mistral.outbound import MistralOut


class Mistral:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [
            Speaks("mistral", on="openai", over=_over, takes=TAKES, does=DOES, shares_paths=True, harmless=HARMLESS)
        ]


def _over(inbound: Inbound, outbound: Outbound) -> tuple[Inbound, Outbound]:
    return MistralIn(inbound), MistralOut(inbound, outbound)
