"""Policies made at random mean the same to the compiler and to the reference interpreter."""

from __future__ import annotations

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_policies import policies
from two_machines import PLUGINS, run_all

from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.format import format_source
from headgate.language.parse import parse
from headgate.language.render import render
from headgate.language.source import Source

# Shrinking a whole policy takes minutes and the failing text says enough.
QUICK = settings(
    deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), database=None
)

# A policy made at random may trip over these: a give above other lines, a default or a handler that is never used.
HARMLESS = {"E204", "W201", "W302"}

REQUESTS = st.tuples(
    st.sampled_from(["/", "/?a=1", "/?flag=on&a=a", "/some?zzz=&a=x%2F"]),
    st.dictionaries(st.sampled_from(["x-mode", "x-one", "cookie"]), st.sampled_from(["a", "b", "c=1", "0"])),
)


@settings(QUICK, max_examples=50)
@given(policies(), REQUESTS)
def test_generated_policies_mean_the_same(text: str, request: tuple[str, dict[str, str]]) -> None:
    loaded = load(["main.policy"], {"main.policy": text}.get)
    checked = check(loaded, PLUGINS.vocabulary)
    unexpected = [finding for finding in checked.findings if finding.code not in HARMLESS]
    assert not unexpected, render(unexpected, loaded.sources) + text
    if checked.errors:
        return
    compiled, traced, oracle = trio.run(run_all, checked, "main", *request)
    assert compiled == oracle, text
    assert traced == oracle, text


@settings(QUICK, max_examples=30)
@given(policies())
def test_formatting_a_generated_policy_twice_is_formatting_it_once(text: str) -> None:
    once = format_source(Source("a.policy", text))
    assert format_source(Source("a.policy", once)) == once
    assert parse(Source("a.policy", once))[1] == []
