"""Citations: https://docs.cohere.com/docs/rag-citations.

Cohere says which characters of which piece of the answer lean on which documents or results of tools.
"""

from __future__ import annotations

from typing import Any

from headgate.api.ai import Citation
from headgate_cohere.facts import NAME


def citation(value: dict[str, Any]) -> Citation:
    """One of Cohere's, told by its first source; all of it stays in `extra`, under the dialect's name."""
    sources = value.get("sources")
    first = sources[0] if isinstance(sources, list) and sources and isinstance(sources[0], dict) else {}
    inside = first.get("document") or first.get("tool_output") or {}
    title, url = (inside.get("title"), inside.get("url")) if isinstance(inside, dict) else (None, None)
    return Citation(None, title, url, first.get("id"), value.get("start"), value.get("end"), extra={NAME: value})


def cited(made: Citation, text: str, place: int) -> dict[str, Any]:
    """A citation of the text at this place of the answer, in Cohere's words."""
    if NAME in made.extra:
        own: dict[str, Any] = made.extra[NAME]
        return own
    start, end = made.start or 0, len(text) if made.end is None else made.end
    told = {"title": made.title, "url": made.url, "text": made.text}
    source = {
        "type": "document",
        "id": made.document or made.url or made.title or "",
        "document": {name: value for name, value in told.items() if value is not None},
    }
    return {
        "start": start,
        "end": end,
        "text": text[start:end],
        "sources": [source],
        "content_index": place,
        "type": "TEXT_CONTENT",
    }
