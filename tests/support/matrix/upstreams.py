"""The providers: a simulator each, strict as in life, and the line of a policy that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headgate.testing.providers import Anthropic, Bedrock, Cohere, Gemini, Mistral, OpenAI, Simulator

KEY: Final = "sk-the-key-of-the-provider"
SECRET: Final = "MATRIX_KEY"
# What this provider itself lacks, beside what its dialect does.
READS_TEXT: Final = {
    "files (data)": "a document is sent as text, which a PDF is not: https://docs.cohere.com/docs/retrieval-augmented-generation-rag"
}
LOSES_THOUGHTS: Final = {
    "reasoning": "OpenAI shows no thoughts in a chat: https://platform.openai.com/docs/guides/reasoning#reasoning-summaries"
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """One provider. `line` is its `model`, with the address left out; `system` finds the words of the system in a
    request; `lacks` is what it cannot do that its dialect can, with the page;
    `keeps` are features that it needs no word of the client's for. `compatible` is OpenAI's dialect, spoken by somebody else."""

    name: str
    dialect: str
    line: str
    simulator: Callable[[], Simulator]
    system: Callable[[Any], str]
    lacks: Mapping[str, str] = field(default_factory=dict)
    keeps: frozenset[str] = frozenset({"reasoning"})

    def model(self, name: str, url: str) -> str:
        """The resource, for a policy."""
        return f'model {name} {{ {self.line}, key = secret("{SECRET}"), url = "{url}" }}'


def _first(body: Any) -> str:
    """The system's words where they are the first message."""
    message = body["messages"][0]
    return str(message["content"]) if message["role"] in ("system", "developer") else ""


UPSTREAMS: Final = {
    one.name: one
    for one in (
        Upstream("openai", "openai", 'provider = openai, name = "gpt-5.1"', lambda: OpenAI(key=KEY), _first, LOSES_THOUGHTS),
        Upstream(
            "compatible", "openai", 'provider = deepseek, name = "deepseek-simulated"',
            lambda: OpenAI(key=KEY, reasoning_field="reasoning_content"), _first,
        ),
        Upstream(
            "openai-responses", "openai-responses", 'provider = openai, dialect = "openai-responses", name = "gpt-5.1"',
            lambda: OpenAI(key=KEY), lambda body: str(body.get("instructions") or body["input"][0]), keeps=frozenset(),
        ),
        Upstream(
            "anthropic", "anthropic", 'provider = anthropic, name = "claude-sonnet-4-5"',
            lambda: Anthropic(key=KEY), lambda body: str(body["system"]),
        ),
        Upstream(
            "gemini", "gemini", 'provider = gemini, name = "gemini-3-pro-preview"',
            lambda: Gemini(key=KEY, signatures=True), lambda body: str(body["systemInstruction"]),
            keeps=frozenset({"reasoning signatures"}),
        ),
        Upstream(
            "mistral", "mistral", 'provider = mistral, name = "magistral-simulated"', lambda: Mistral(key=KEY), _first
        ),
        Upstream("cohere", "cohere", 'provider = cohere, name = "command-simulated"', lambda: Cohere(key=KEY), _first, READS_TEXT),
        Upstream(
            "bedrock", "bedrock", 'provider = bedrock, name = "anthropic.claude-simulated-v1:0"',
            lambda: Bedrock(key=KEY), lambda body: str(body["system"]),
        ),
    )
}  # fmt: skip
