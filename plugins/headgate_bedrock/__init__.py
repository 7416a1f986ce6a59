"""AWS Bedrock's models, by Converse.

model claude { provider = bedrock, name = "anthropic.claude-sonnet-4-5-20250929-v1:0", key = secret("BEDROCK_KEY") }
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_bedrock.dialect import BedrockOut

# Flex costs half, priority more: https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html.
HARMLESS = frozenset({"service_tier=flex"})
# Faster answers cost more, and guardrails have a price of their own: https://aws.amazon.com/bedrock/pricing/.
RAISING = frozenset({"performance_config", "guardrail_config"})


class Bedrock:
    """The plugin's hooks."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [Speaks("bedrock", outbound=BedrockOut(), harmless=HARMLESS, raising=RAISING)]
