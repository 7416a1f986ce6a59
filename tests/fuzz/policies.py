"""The front of the language: a tree and findings whatever the text, and what has none is formatted to what formats to itself."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.language.format import format_source
from headgate.language.parse import parse
from headgate.language.source import Source

SEEDS = (
    b'policy 1\nupstream u { url = "http://a" }\nroute r GET, POST /a/{id:int} public {\n  forward u timeout=5s\n  on upstream.timeout { respond 504 text="{err.kind}" }\n}\n',
    b'policy 1\nfragment f(x: Text?) { if x is present { use g(x) } else { give 1 + 2 * -3 } }\n# why\nconst a = [1, {b: "c"}]\n',
    b'policy 1\ntest "t" { send GET /a\n expect status == 200 }\n',
    b"policy 1\nroute r GET /{x:path} { retry 3 on=[upstream.timeout] { fallback { forward a\n forward b } } }\n",
)


def fuzz(data: bytes) -> None:
    """One file."""
    source = Source("fuzz.policy", data.decode("utf-8", "replace"))
    _, findings = parse(source)
    for finding in findings:
        assert finding.code
        assert finding.span.line >= 1
    if findings:
        return
    once = format_source(source)
    again = Source("fuzz.policy", once)
    assert not parse(again)[1]
    assert format_source(again) == once


if __name__ == "__main__":
    run("policies")
