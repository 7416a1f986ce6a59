"""The page of the plugin says what its data say."""

from __future__ import annotations

import re
from pathlib import Path

from headgate.api.ai import Authorizes
from headgate_gemini.dialect import GeminiOut

PAGE = Path(__file__).parents[3] / "plugins/headgate_gemini/README.md"


def test_the_table_of_the_page_is_that_of_the_plugin() -> None:
    rows = re.findall(r"^\| (.+?) \| (yes|no) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(feature, passes == "yes") for feature, passes, _ in rows] == [
        (feature, not why) for feature, why in GeminiOut.abilities.items()
    ]
    for (feature, why), (_, _, said) in zip(GeminiOut.abilities.items(), rows, strict=True):
        if why:
            reason, _, page = why.rpartition(": ")
            assert said == f"{reason} ([page]({page}))", feature
            assert page.startswith("https://")


def test_the_credential_is_the_dialect_s_own_matter() -> None:
    assert isinstance(GeminiOut(), Authorizes)
