"""Simulators of AI providers, for the tests of plugins: each strict as the real one, each able to misbehave.

    from headgate.testing.providers import Call, Fails, Manners, OpenAI, Says

    async def test_a_limited_provider_is_asked_again_later(nursery):
        sim = await OpenAI().start(nursery)
        sim.says(Fails("limited", retry_after_s=2), Says("Hello"))
        ...                                     # point an SDK, or a gateway, at sim.base_url
        assert sim.received[0].body["messages"][0]["content"] == "Hi"
        assert sim.billed.output == 2

**Words.** One vocabulary drives every provider: `Says` (text, `Thought`, `Call`, `Json`, `Refusal`, citations, why it
stops, its `Tokens`), `Fails` (a kind of refusal, in the provider's own status and words), `Raw` (bytes that no provider
should send: `HTML_500`, `EMPTY_200`, `BROKEN_200`). A script is a list of these, or of functions from the request
(`Asked`) to one of these; the last repeats.

**Manners.** `Says("Hello", manners=Manners(dies_after=3, how="reset"))` breaks a stream behind its third event; other
manners send CRLF, comments and empty frames, cut the bytes at every `cut_bytes`, wait `pause_s` between events, leave
out the last event (`unfinished`) or the usage (`no_usage`). `Pieces` says how a stream is cut into events.

**Strict.** A request is checked against the types of the provider's own SDK, with unknown fields refused, and against
the rules that types do not show; what is refused is refused in the provider's words, so that its SDK raises the error
that it raises in life. Answers are checked against the SDK's types before they are sent.

**Sessions.** `OpenAI` holds realtime sessions too, at `/v1/realtime`: each answer is the script's next `Says` or `Fails`.
Sound that is all zeros is silence, and the first silence behind a sound ends a turn.

**Money.** `sim.bills` has one `Tokens` for each answer, `sim.billed` their sum, counted as the provider counts: a stream
that died, or that its client left, costs its input and the share of the output that was produced.

The simulators need the SDKs whose types they read (`pip install openai anthropic google-genai mistralai cohere
botocore`); each is imported when it is first asked for, so that one needs only those that one tests with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from headgate.testing.providers.asking import Asked
from headgate.testing.providers.says import (
    BROKEN_200,
    EMPTY_200,
    HTML_500,
    Call,
    Citation,
    Fails,
    Flags,
    Json,
    Manners,
    Pieces,
    Raw,
    Refusal,
    Says,
    Text,
    Thought,
    Tokens,
)
from headgate.testing.providers.simulator import Simulator

if TYPE_CHECKING:
    from headgate.testing.providers.anthropic import Anthropic
    from headgate.testing.providers.bedrock import Bedrock
    from headgate.testing.providers.cohere import Cohere
    from headgate.testing.providers.gemini import Gemini
    from headgate.testing.providers.mistral import Mistral
    from headgate.testing.providers.openai import OpenAI

LAZY = {
    "Anthropic": "anthropic",
    "Bedrock": "bedrock",
    "Cohere": "cohere",
    "Gemini": "gemini",
    "Mistral": "mistral",
    "OpenAI": "openai",
}


def __getattr__(name: str) -> Any:
    """Import a simulator, and with it its SDK, when it is first asked for."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{LAZY[name]}"), name)


__all__ = [
    "BROKEN_200",
    "EMPTY_200",
    "HTML_500",
    "Anthropic",
    "Asked",
    "Bedrock",
    "Call",
    "Citation",
    "Cohere",
    "Fails",
    "Flags",
    "Gemini",
    "Json",
    "Manners",
    "Mistral",
    "OpenAI",
    "Pieces",
    "Raw",
    "Refusal",
    "Says",
    "Simulator",
    "Text",
    "Thought",
    "Tokens",
]
