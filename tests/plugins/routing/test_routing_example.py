"""The tests that stand in the plugin's own example, and choices that only a rehearsal can show."""

from __future__ import annotations

import functools
from pathlib import Path

from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_routing/example.policy"


def rehearsed(root: Path) -> dict[str, str]:
    """Every test's name, and what was wrong with it."""
    plugins = load_plugins([("routing", Routing)], discover=False)
    program = compile_policies(read_policies(root, plugins.vocabulary))
    outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
    return {one.scenario.test.name: str((one.finding and one.finding.message) or "") for one in outcomes}


def test_the_example_passes_its_own_tests():
    found = rehearsed(EXAMPLE)
    assert len(found) == 7
    assert set(found.values()) == {""}


RULES = """policy 1
upstream a { url = "http://a", max_fails = 2, cooldown = 1s }
upstream b { targets = ["http://b1", "http://b2"] }

route decided GET /decided public {
    retry 3 on=[5xx] {
        if request.query["no"] is present { respond 503 text="Closed." }
        forward a
    }
}
route alone POST /alone public {
    retry 3 on=[503] when=request.idempotent { forward a }
}
route late GET /late public {
    retry 3 on=[503] { forward a }
}
route value GET /value public {
    fallback on=[timeout] {
        call a path="/one"
        call b path="/two"
    } as found
    respond 200 text=found.text
}

test "what a line decides is not taken back" {
    send GET /decided?no=1
    expect status == 503
    expect not called(a)
}
test "what must not be done twice is done once" {
    given a = reply(503)
    send POST /alone
    expect calls(a) == 1
}
test "a wait that is too long is not waited for" {
    given a = reply(503, header={"retry-after": "60"})
    send GET /late
    expect status == 503
    expect calls(a) == 1
}
test "a block hands out the value of the way that worked" {
    given a = fail("upstream.timeout")
    given b = reply(200, text="second")
    send GET /value
    expect response.text == "second"
}
test "a dead upstream is refused at once, and asked again when its time is over" {
    given a = fail("upstream.unreachable")
    repeat 4 { send POST /alone }
    expect status == 503
    expect calls(a) == 2
    given a = reply(200)
    after 1s
    send POST /alone
    expect status == 200
}
"""


def test_rules_that_a_rehearsal_shows(tmp_path):
    file = tmp_path / "rules.policy"
    file.write_text(RULES)
    found = rehearsed(file)
    assert len(found) == 5
    assert set(found.values()) == {""}
