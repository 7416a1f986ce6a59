"""The providers that are known by name. Everything else that speaks their dialect is reached by `url`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headgate_ai.dialects import Outbound
from headgate_ai.dialects.openai import OPENAI_OUT


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: where it is, how it is spoken to, what it is called in price lists.

    `url` is None where the resource has to say. `counts_streams`: it takes `stream_options.include_usage`.
    """

    name: str
    url: str | None
    dialect: Outbound = OPENAI_OUT
    prices: str | None = None
    needs_key: bool = True
    counts_streams: bool = True


ECHO: Final = "echo"

PROVIDERS: Final = {
    provider.name: provider
    for provider in (
        Provider("openai", "https://api.openai.com/v1", prices="openai"),
        Provider("anthropic", "https://api.anthropic.com/v1", prices="anthropic"),
        Provider("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", prices="google"),
        Provider("mistral", "https://api.mistral.ai/v1", prices="mistral", counts_streams=False),
        Provider("groq", "https://api.groq.com/openai/v1", prices="groq"),
        Provider("deepseek", "https://api.deepseek.com/v1", prices="deepseek"),
        Provider("openrouter", "https://openrouter.ai/api/v1", prices="openrouter"),
        Provider("together", "https://api.together.xyz/v1", prices="together"),
        Provider("vllm", None, needs_key=False),
        Provider("ollama", "http://127.0.0.1:11434/v1", needs_key=False),
        Provider("compatible", None, needs_key=False),
        Provider(ECHO, "http://echo.invalid/v1", needs_key=False),
    )
}
