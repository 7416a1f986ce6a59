"""Names of fields. Google's JSON has two for each: `inlineData` and `inline_data` (protobuf's JSON mapping takes both).

1. Both are read as the first. Given at once, they are refused: readers differ in which of them they take.
2. A name that is a known one in another case is refused, for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from headgate.api import NotStrict

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def _snake(name: str) -> str:
    return _HUMP.sub(lambda hump: "_" + hump[1].lower(), name)


class Known:
    """The fields of one kind of object."""

    def __init__(self, names: Iterable[str]) -> None:
        self._written = {one: name for name in names for one in (name, _snake(name))}
        self._folded = {one.casefold(): one for one in self._written}

    def __repr__(self) -> str:
        return f"<Known {len(self._written)} names>"

    def read(self, value: object, where: str) -> dict[str, Any]:
        """An object with its known fields under their first names, the unknown as they are. NotStrict."""
        if not isinstance(value, dict):
            raise NotStrict(f"`{where}` has to be an object.", where)
        read: dict[str, Any] = {}
        for name, field in value.items():
            place = f"{where}.{name}" if where else name
            known = self._written.get(name) or str(name)
            if name not in self._written and name.casefold() in self._folded:
                alike = self._folded[name.casefold()]
                raise NotStrict(f"`{place}` looks like `{alike}`; names are case-sensitive.", place)
            if known in read:
                raise NotStrict(f"`{place}` is given twice, once as `{known}`; give it once.", place)
            read[known] = field
        return read


BODY = Known((
    "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent",
    "labels", "model", "serviceTier", "store", "generateContentRequest",
))  # fmt: skip
CONTENT = Known(("role", "parts"))
PART = Known((
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution", "toolCall", "toolResponse",
))  # fmt: skip
BLOB = Known(("mimeType", "data", "fileUri", "displayName"))
CALL = Known(("id", "name", "args"))
RESULT = Known(("id", "name", "response", "parts", "willContinue", "scheduling"))
TOOL = Known((
    "functionDeclarations", "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps",
    "computerUse", "fileSearch", "retrieval", "enterpriseWebSearch",
))  # fmt: skip
FUNCTION = Known((
    "name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior",
))  # fmt: skip
TOOL_CONFIG = Known(("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"))
CALLING = Known(("mode", "allowedFunctionNames", "streamFunctionCallArguments"))
CONFIG = Known((
    "maxOutputTokens", "temperature", "topP", "topK", "candidateCount", "stopSequences", "seed", "presencePenalty",
    "frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema", "responseJsonSchema",
    "responseModalities", "thinkingConfig", "speechConfig", "mediaResolution", "imageConfig", "audioTimestamp",
    "routingConfig", "modelSelectionConfig", "enableEnhancedCivicAnswers",
))  # fmt: skip
THINKING = Known(("includeThoughts", "thinkingBudget", "thinkingLevel"))
