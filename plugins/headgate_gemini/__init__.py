"""Google's Gemini, as clients speak it and as AI Studio and Vertex AI do.

model gemini { provider = google, name = "gemini-3-pro-preview", key = secret("GEMINI_API_KEY") }
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_gemini.dialect import GeminiIn, GeminiOut
from headgate_gemini.embeddings import DOES, TAKES
from headgate_gemini.harmless import HARMLESS


class Gemini:
    """The plugin's hooks."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [Speaks("gemini", inbound=GeminiIn(), outbound=GeminiOut(), takes=TAKES, does=DOES, harmless=HARMLESS)]
