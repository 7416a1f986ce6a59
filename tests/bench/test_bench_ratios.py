"""Ratios are taken pair by pair; more is better, by the clock and by processor time."""

from __future__ import annotations

import pytest
from tests.bench.cases import AI, DIRECT, ONE, PACES, REST, TWO
from tests.bench.goals import verdicts
from tests.bench.made_runs import measured, run
from tests.bench.ratios import added_us, by_cpu, by_rate, latency_ratio
from tests.bench.runs import Run

CASE = "rest-small-32"


def test_a_ratio_is_the_median_of_pairs_and_not_the_pair_of_medians() -> None:
    pairs = [(100, 1000), (300, 600), (40, 50)]
    runs = [run(CASE, peer, turn, rate=rate) for turn, pair in enumerate(pairs) for peer, rate in zip((REST, "caddy"), pair, strict=True)]  # fmt: skip
    assert by_rate(measured(*runs), CASE, REST, "caddy") == 0.5


def test_who_needs_half_the_processor_time_does_twice_as_much() -> None:
    found = measured(run(CASE, REST, cpu_us=50), run(CASE, "caddy", cpu_us=100))
    assert by_cpu(found, CASE, REST, "caddy") == pytest.approx(2.0)


def test_a_turn_that_one_of_them_lacks_is_no_pair() -> None:
    found = measured(run(CASE, REST, 0), run(CASE, REST, 1), run(CASE, "caddy", 1, rate=500))
    assert by_rate(found, CASE, REST, "caddy") == 2.0
    assert by_rate(found, CASE, REST, "envoy") is None


def test_who_answered_nothing_is_compared_with_nobody() -> None:
    assert by_rate(measured(run(CASE, REST), run(CASE, "caddy", rate=0)), CASE, REST, "caddy") is None


def test_a_run_without_an_answer_is_no_measurement() -> None:
    found = measured(run(CASE, "caddy", 0, rate=0, wrong="it broke"), run(CASE, "caddy", 1))
    assert [one.turn for one in found.of(CASE, "caddy")] == [1]


def late(case: str, peer: str, p50_us: float) -> Run:
    return run(case, peer, wanted=10, p50_us=p50_us, p99_us=2 * p50_us)


def test_added_latency_is_what_is_above_the_bare_upstream_at_the_same_rate() -> None:
    pace = PACES[0]
    own, theirs = pace.at(REST), pace.at("haproxy")
    found = measured(
        late(own, DIRECT, 100), late(own, REST, 400), late(own, "haproxy", 200), late(theirs, DIRECT, 150), late(theirs, "haproxy", 300),
    )  # fmt: skip
    assert added_us(found, own, REST, lambda one: one.p50_us) == 300
    assert latency_ratio(found, pace, REST, lambda one: one.p50_us) == 3.0
    assert latency_ratio(found, pace, "haproxy", lambda one: one.p99_us) == 2.0
    assert latency_ratio(found, PACES[1], AI, lambda one: one.p50_us) is None


def word(goal_peer: str, *runs: Run) -> str:
    return next(one.word for one in verdicts(measured(*runs)) if one.goal.peer == goal_peer)


def test_a_goal_is_met_where_both_ratios_reach_it() -> None:
    assert word("caddy", run(CASE, REST), run(CASE, "caddy")) == "met"
    assert word("caddy", run(CASE, REST, rate=900, cpu_us=101), run(CASE, "caddy")) == "missed"
    assert word("caddy", run(CASE, REST, rate=900), run(CASE, "caddy")) == "missed by the clock, met by processor time"
    assert (
        word("caddy", run(CASE, REST, cpu_us=101), run(CASE, "caddy")) == "met by the clock, missed by processor time"
    )
    assert word("caddy") == "not measured"


def test_two_workers_are_held_to_processor_time_alone() -> None:
    one = run("workers-32", ONE)
    assert word(ONE, one, run("workers-32", TWO, rate=100, cpu_us=109)) == "met"
    assert word(ONE, one, run("workers-32", TWO, rate=9999, cpu_us=111)) == "missed"
