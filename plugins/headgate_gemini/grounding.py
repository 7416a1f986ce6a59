"""Citations: `groundingMetadata` (https://ai.google.dev/api/generate-content#GroundingMetadata) and `citationMetadata`.

Google counts bytes of UTF-8 where we count characters; a place that cuts a character in two is moved to its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.api.ai import Citation, Text


def cite(grounding: dict[str, Any] | None, quoted: dict[str, Any] | None, texts: list[Text]) -> None:
    """Give the citations of a candidate to the texts that they are about."""
    if not texts or not (grounding or quoted):
        return
    for at, citation in citations(grounding, quoted, [text.text for text in texts]):
        texts[at].citations.append(citation)


def citations(
    grounding: dict[str, Any] | None, quoted: dict[str, Any] | None, texts: list[str]
) -> Iterator[tuple[int, Citation]]:
    """Which text, and a citation of it."""
    chunks = [_source(chunk) for chunk in (grounding or {}).get("groundingChunks") or ()]
    supports = (grounding or {}).get("groundingSupports") or ()
    for support in supports:
        segment = support.get("segment") or {}
        at = min(segment.get("partIndex") or 0, len(texts) - 1)
        start, end = (_chars(texts[at], segment.get(name)) for name in ("startIndex", "endIndex"))
        if start is None and end is not None:
            start = 0
        for index in support.get("groundingChunkIndices") or ():
            if index < len(chunks):
                yield at, Citation(**chunks[index], start=start, end=end)
    if not supports:
        yield from ((len(texts) - 1, Citation(**chunk)) for chunk in chunks)
    for one in (quoted or {}).get("citations") or (quoted or {}).get("citationSources") or ():
        start, end = (_chars(texts[0], one.get(name)) for name in ("startIndex", "endIndex"))
        yield 0, Citation(title=one.get("title"), url=one.get("uri"), start=start, end=end)


def _source(chunk: dict[str, Any]) -> dict[str, Any]:
    kind = next((name for name in ("web", "retrievedContext", "maps", "image") if name in chunk), "")
    source = chunk.get(kind) or {}
    url = source.get("uri") or source.get("sourceUri")
    return {
        "text": source.get("text"),
        "title": source.get("title"),
        "url": url,
        "document": source.get("documentName"),
    }


def _chars(text: str, place: int | None) -> int | None:
    return None if place is None else len(text.encode()[:place].decode(errors="ignore"))


def metadata(texts: list[Text]) -> dict[str, Any] | None:
    """`groundingMetadata` for a client; None where nothing is cited."""
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for part, text in enumerate(texts):
        for citation in text.citations:
            chunk = {"web": {k: v for k, v in (("uri", citation.url), ("title", citation.title)) if v is not None}}
            if chunk not in chunks:
                chunks.append(chunk)
            supports.append(_support(part, text.text, citation, chunks.index(chunk)))
    return {"groundingChunks": chunks, "groundingSupports": supports} if chunks else None


def _support(part: int, text: str, citation: Citation, chunk: int) -> dict[str, Any]:
    start, end = citation.start or 0, len(text) if citation.end is None else citation.end
    segment: dict[str, Any] = {"endIndex": len(text[:end].encode()), "text": text[start:end]}
    if start:
        segment["startIndex"] = len(text[:start].encode())
    if part:
        segment["partIndex"] = part
    return {"segment": segment, "groundingChunkIndices": [chunk]}
