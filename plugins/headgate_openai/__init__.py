"""OpenAI's dialects, as its clients speak them and as it does itself, and whoever is compatible with it.

`openai` is Chat Completions: POST /v1/chat/completions. `openai-responses` is Responses: POST /v1/responses.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_openai.chat import OpenAiChat, OpenAiChatOut
from headgate_openai.responses import OpenAiResponses, OpenAiResponsesOut


class OpenAi:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [
            Speaks("openai", OpenAiChat(), OpenAiChatOut()),
            Speaks("openai-responses", OpenAiResponses(), OpenAiResponsesOut()),
        ]
