"""Fields of requests that leave the bill as it is; see `Speaks`: https://ai.google.dev/api/generate-content, and for
Vertex AI https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.

`cachedContent` is not here: it brings in a text of any length. Flex costs half, priority more:
https://ai.google.dev/gemini-api/docs/flex-inference.
"""

from __future__ import annotations

from typing import Final

HARMLESS: Final = frozenset({
    "safetySettings", "labels", "service_tier=standard", "service_tier=flex", "service_tier=unspecified",
    "toolConfig.functionCallingConfig", "toolConfig.retrievalConfig",
    # A bound reckons with the finest resolution.
    "generationConfig.mediaResolution", "generationConfig.audioTimestamp", "generationConfig.responseMimeType",
    "generationConfig.responseSchema", "generationConfig.responseJsonSchema", "generationConfig.speechConfig",
    "thinking.thinkingBudget",
})  # fmt: skip
