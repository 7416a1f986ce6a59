"""Citations: https://platform.claude.com/docs/en/build-with-claude/citations.

Anthropic ties a citation to a whole block of text, and says where in the source it stands; others say where in the answer.
One from elsewhere becomes a search result's: an address where it has one, else the name of its source.
"""

from __future__ import annotations

from typing import Any

from headgate.api.ai import Citation
from headgate_anthropic.facts import NAME

_TITLES = ("document_title", "title")


def citation(value: dict[str, Any]) -> Citation:
    """One of Anthropic's. All of it stays in `extra`, under the dialect's name, since answers go to any client."""
    title = value.get("document_title", value.get("title"))
    index = value.get("document_index")
    document = value.get("file_id") or value.get("source") or (str(index) if index is not None else None)
    return Citation(value.get("cited_text"), title, value.get("url"), document, extra={NAME: value})


def cited(made: Citation) -> dict[str, Any]:
    """A citation in Anthropic's words."""
    if NAME in made.extra:
        return _touched(made)
    if made.url is not None:
        return {
            "type": "web_search_result_location",
            "cited_text": made.text or "",
            "encrypted_index": "",
            "title": made.title,
            "url": made.url,
        }
    return {
        "type": "search_result_location",
        "cited_text": made.text or "",
        "search_result_index": 0,
        "source": made.document or made.title or "",
        "start_block_index": 0,
        "end_block_index": 0,
        "title": made.title,
    }


def _touched(made: Citation) -> dict[str, Any]:
    """As it came, but for the words that a line may have changed since."""
    value: dict[str, Any] = made.extra[NAME]
    now: dict[str, Any] = {"cited_text": made.text, "url": made.url}
    now.update((name, made.title) for name in _TITLES if name in value)
    return {name: now.get(name, field) for name, field in value.items()}
