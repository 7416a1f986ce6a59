"""What a call costs in a batch, where the answer may take a day.

Where the price list has a price for batches, it is that. What it lacks is half of the usual price at the providers whose
page says so for all of their models; elsewhere it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai.prices import Prices, Unknown, listed_of, prices_of
from headgate_ai.providers import Provider

# Who takes half, and the page that says it.
HALF: Final[Mapping[str, str]] = {
    "openai": "https://platform.openai.com/docs/guides/batch",
    "azure": "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/batch",
    "anthropic": "https://docs.anthropic.com/en/docs/build-with-claude/batch-processing",
    "gemini": "https://ai.google.dev/gemini-api/docs/batch-api",
    "vertex": "https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini",
    "mistral": "https://docs.mistral.ai/capabilities/batch/",
    "groq": "https://console.groq.com/docs/batch",
    "fireworks": "https://docs.fireworks.ai/guides/batch-inference",
}
_WHEN: Final = {"processing": "batch"}


class Half:
    """Half of other prices, rounded up."""

    def __init__(self, whole: Prices) -> None:
        self._whole = whole

    @property
    def known(self) -> bool:
        return self._whole.known

    @property
    def unit(self) -> str:
        return self._whole.unit

    def cost(self, counted: Counted) -> Money | None:
        return _half(self._whole.cost(counted))

    def most(self, counted: Counted) -> Money | None:
        return _half(self._whole.most(counted))


def batch_prices(provider: Provider, model: str) -> Prices:
    """The prices of a provider's model in a batch."""
    listed = listed_of(provider.prices, model, _WHEN)
    if listed is not None and listed.known and listed.varies:
        return listed
    if provider.name in HALF:
        return Half(prices_of(provider.prices, model))
    return Unknown()


def _half(whole: Money | None) -> Money | None:
    return None if whole is None else Money(-(-whole // 2))
