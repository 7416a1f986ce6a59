"""The official SDKs, each driven as its users drive it."""

from __future__ import annotations

from matrix.clients.anthropic_client import AnthropicClient
from matrix.clients.base import Client
from matrix.clients.cohere_client import CohereClient
from matrix.clients.google_client import GoogleClient
from matrix.clients.mistral_client import MistralClient
from matrix.clients.openai_client import OpenAiClient
from matrix.clients.responses_client import ResponsesClient

CLIENTS: dict[str, type[Client]] = {
    one.name: one for one in (OpenAiClient, ResponsesClient, AnthropicClient, GoogleClient, MistralClient, CohereClient)
}
