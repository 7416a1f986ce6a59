"""OpenAI's dialects, as its clients speak them and as it does itself, and whoever is compatible with it.

`openai` is Chat Completions: POST /v1/chat/completions. `openai-responses` is Responses: POST /v1/responses.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_openai.chat import OpenAiChat, OpenAiChatOut
from headgate_openai.harmless import CHAT, RESPONSES
from headgate_openai.responses import OpenAiResponses, OpenAiResponsesOut
from headgate_openai.tasks import DOES, TAKES


class OpenAi:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [
            Speaks("openai", OpenAiChat(), OpenAiChatOut(), takes=TAKES, does=DOES, harmless=CHAT),
            Speaks("openai-responses", OpenAiResponses(), OpenAiResponsesOut(), does=DOES, harmless=RESPONSES),
        ]
