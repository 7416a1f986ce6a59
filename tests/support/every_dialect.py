"""All dialects of the house, by the names that a `model` has for them: as clients speak them, and as providers do."""

from __future__ import annotations

from typing import Final

from headgate.api.ai import Inbound, Outbound
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut
from headgate_bedrock.dialect import BedrockOut
from headgate_cohere.inbound import CohereIn
from headgate_cohere.outbound import CohereOut
from headgate_gemini.dialect import GeminiIn, GeminiOut
from headgate_mistral.inbound import MistralIn
from headgate_mistral.outbound import MistralOut
from headgate_openai.chat import OpenAiChat, OpenAiChatOut
from headgate_openai.responses import OpenAiResponses, OpenAiResponsesOut

CLIENTS: Final[dict[str, Inbound]] = {
    "openai": OpenAiChat(), "openai-responses": OpenAiResponses(), "anthropic": AnthropicIn(), "gemini": GeminiIn(),
    "mistral": MistralIn(OpenAiChat()), "cohere": CohereIn(),
}  # fmt: skip
PROVIDERS: Final[dict[str, Outbound]] = {
    "openai": OpenAiChatOut(), "openai-responses": OpenAiResponsesOut(), "anthropic": AnthropicOut(),
    "gemini": GeminiOut(), "mistral": MistralOut(OpenAiChat(), OpenAiChatOut()), "cohere": CohereOut(),
    "bedrock": BedrockOut(),
}  # fmt: skip
