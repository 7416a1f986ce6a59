"""What a dialect can say is told twice, as data and on its page; both tell of the same features, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headgate_anthropic.outbound import AnthropicOut
from headgate_cohere.outbound import CohereOut

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


@pytest.mark.parametrize("outbound", [AnthropicOut(), CohereOut()], ids=lambda outbound: outbound.name)
def test_the_page_of_a_dialect_has_a_row_for_every_feature(outbound: AnthropicOut | CohereOut) -> None:
    page = (PLUGINS / f"headgate_{outbound.name}" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)[1:]
    assert [name for name, _ in rows] == list(outbound.abilities)
    for name, told in rows:
        if outbound.abilities[name]:
            assert re.search("refused|left out|cannot|there are none", told), name
            assert "https://" in outbound.abilities[name]
