"""The table of codes: nothing that is reported is missing from it, and its examples are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from findings_of import FILES, codes_of

from headgate.contracts.facts import NodeFacts
from headgate.host.facts import facts_of
from headgate.host.settings import load_settings
from headgate.language.codes import CODES

ROOT = Path(__file__).parents[3]
REPORTED = re.compile(r"""["']([EW]\d{3})["']""")

# What an example may be: a file, items, lines of a route, of a block that answers, or of a test.
HEAD = """policy 1
upstream orders { url = "http://orders.internal:8080" }
upstream stock { url = "http://stock.internal:8080" }
upstream one { url = "http://one.internal:8080" }
upstream two { url = "http://two.internal:8080" }
model gpt { provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }
type Message { text: text }
"""
PLACES = [
    "<here>",
    "policy 1\n<here>",
    'policy 1\nimport "shared/edge.policy" as edge\n<here>',
    HEAD + "<here>",
    HEAD + "route example GET /example public {\n<here>\n}",
    HEAD + "route example GET /example public {\n<here>\nrespond 200\n}",
    HEAD + "route example GET /example {\n<here>\n}",
    HEAD + 'upstream a { url = "http://a" }\nupstream b { url = "http://b" }\nroute example GET /e public {\n<here>\n}',
    HEAD + 'import "shared/edge.policy" as edge\nroute example GET /example public {\n<here>\nrespond 200\n}',
    HEAD + "route example GET /example public {\nread.chat as chat\n<here>\nrespond 200\n}",
    HEAD + "route example GET /example public {\nlet a = 1\nlet b = 2\nlet c = 3\n<here>\nrespond 200\n}",
    HEAD + 'route example GET /example public {\nlet a = "1"\n<here>\nrespond 200\n}',
    HEAD + "route example GET /example public {\nrespond 200\n<here>\n}",
    HEAD + "route example GET /example public {\nforward orders\n<here>\n}",
    HEAD + 'route example GET /example public { respond 200 }\ntest "example" {\n<here>\n}',
]


def reported() -> set[str]:
    """Every code that the sources name outside of the table."""
    found: set[str] = set()
    for room in ("kernel", "plugins"):
        for path in (ROOT / room).rglob("*.py"):
            if path.parent.name != "codes":
                found |= set(REPORTED.findall(path.read_text()))
    return found


def test_the_table_holds_what_is_reported_and_nothing_else() -> None:
    assert reported() == set(CODES)


def bad_enough(code: str) -> str:
    """The bad example; those of E024 and E605 begin what would have to go on."""
    bad = CODES[code].bad
    if code == "E605":
        more = "".join(f"\nfragment f{n}() {{ use f{n + 1}() }}" for n in range(4, 80))
        bad = bad.replace("f3() { log.call }", "f3() { use f4() }") + more + "\nfragment f80() { log.call }"
    return bad.replace('a == "3"', " or ".join(f'a == "{n}"' for n in range(200))) if code == "E024" else bad


def mended_facts(code: str, folder: Path) -> NodeFacts:
    """A node with the settings that mend it."""
    file = folder / "headgate.toml"
    file.write_text(CODES[code].settings, encoding="utf-8")
    return facts_of(load_settings(file, {}, {}, {}), serves=False)


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_has_this_finding_alone_and_the_good_one_has_none(tmp_path: Path, code: str) -> None:
    seen, mended = [], mended_facts(code, tmp_path)
    for place in PLACES:
        bad = codes_of({"main.policy": place.replace("<here>", bad_enough(code)), **FILES})
        good = codes_of({"main.policy": place.replace("<here>", CODES[code].good), **FILES}, mended)
        if set(bad) == {code} and not good:
            return
        seen.append((bad, good))
    pytest.fail(f"{code}: in no place are the findings {[code]} and []: {seen}")
