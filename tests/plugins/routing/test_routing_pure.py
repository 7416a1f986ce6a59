"""Choosing, health, shares, matching, pauses: the half of routing that does nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api import ArmRun, Response, StatusClass, Target, UpstreamFault
from headgate_routing.balance import Endpoint, choose, least_requests, round_robin
from headgate_routing.health import Health, Rules
from headgate_routing.matching import Matcher
from headgate_routing.pauses import pause_s, retry_after_s
from headgate_routing.replay import KeptBody
from headgate_routing.split import at, place_of

RULES = Rules(max_fails=3, window_s=10.0, cooldown_s=5.0)


def endpoints(*weights: int) -> list[Endpoint]:
    return [Endpoint(Target("http", f"t{n}", 80), RULES, weight=weight) for n, weight in enumerate(weights)]


def test_round_robin_is_smooth():
    a, b = endpoints(3, 1)
    picked = [round_robin([a, b]) for _ in range(8)]
    assert [endpoint is a for endpoint in picked] == [True, True, False, True] * 2


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_round_robin_keeps_the_weights_exactly(weights):
    points = endpoints(*weights)
    picked = [round_robin(points) for _ in range(sum(weights) * 2)]
    assert [picked.count(point) for point in points] == [2 * weight for weight in weights]


def test_least_requests_go_by_weight_and_round_robin_among_equals():
    a, b = endpoints(2, 1)
    a.active, b.active = 3, 1
    assert least_requests([a, b]) is b
    a.active, b.active = 2, 1
    assert {least_requests([a, b]).label for _ in range(3)} == {a.label, b.label}


def test_failures_in_a_row_take_a_target_out_and_a_probe_takes_it_in_again():
    health = Health(RULES)
    for _ in range(3):
        assert health.admits(0.0)
        health.failed(0.0, dead=True)
    assert not health.admits(4.9)
    assert repr(health) == "<Health dead>"
    assert health.admits(5.0)
    health.begin()
    assert not health.admits(5.0), "one probe at a time"
    health.abandoned()
    health.begin()
    health.failed(5.0, dead=False)
    assert not health.admits(9.9)
    health.begin()
    health.passed()
    assert repr(health) == "<Health in, 0 fails>"


def test_a_success_between_and_a_failure_long_ago_do_not_count():
    health = Health(RULES)
    for at_s in (0.0, 1.0):
        health.failed(at_s, dead=True)
    health.passed()
    for at_s in (2.0, 3.0, 13.5):
        health.failed(at_s, dead=True)
    assert health.out_until is None


def test_max_fails_of_nothing_never_takes_a_target_out():
    health = Health(Rules(max_fails=0))
    for _ in range(100):
        health.failed(0.0, dead=True)
    assert health.admits(0.0)


def out(endpoint: Endpoint, *, dead: bool) -> None:
    for _ in range(3):
        endpoint.health.failed(0.0, dead=dead)


def test_a_target_that_is_out_gets_nothing_while_another_is_in():
    a, b = endpoints(1, 1)
    out(a, dead=False)
    assert {choose([a, b], round_robin, 1.0, ()) for _ in range(4)} == {b}


def test_when_all_are_out_one_that_answers_is_used_and_a_dead_one_is_not():
    a, b = endpoints(1, 1)
    out(a, dead=True)
    out(b, dead=False)
    assert choose([a, b], round_robin, 1.0, ()) is b
    out(b, dead=True)
    assert choose([a, b], round_robin, 1.0, ()) is None
    assert choose([a], round_robin, 1.0, ()) is None


def test_a_target_that_failed_this_exchange_is_avoided_while_there_is_another():
    a, b = endpoints(1, 1)
    assert {choose([a, b], round_robin, 0.0, {a.label}) for _ in range(4)} == {b}
    assert choose([a, b], round_robin, 0.0, {a.label, b.label}) in (a, b)


def arms(*shares: float) -> list[ArmRun]:
    return [ArmRun(None, share, str(share)) for share in shares]  # type: ignore[arg-type]


def test_shares_come_out_and_the_same_value_goes_the_same_way():
    made = arms(0.9, 0.1)
    picked = [at(made, place_of("r/split", f"user-{n}")).share for n in range(5000)]
    assert 0.08 < picked.count(0.1) / 5000 < 0.12
    assert place_of("r/split", {"b": 1, "a": 2}) == place_of("r/split", {"a": 2, "b": 1})


def test_two_splits_are_independent():
    both = sum(place_of("one", n) < 0.1 and place_of("two", n) < 0.1 for n in range(5000))
    assert 20 < both < 90


@given(st.floats(0, 1, exclude_max=True))
def test_every_place_has_an_arm(place):
    assert at(arms(0.3, 0.3, 0.4), place).share in (0.3, 0.4)


def fault(kind: str, status: int, **record: object) -> UpstreamFault:
    return UpstreamFault(kind, "x", status=status, record=record)


@pytest.mark.parametrize(
    ("items", "failure", "matches"),
    [
        (["upstream.timeout"], fault("upstream.timeout", 504), True),
        (["upstream.timeout"], fault("upstream.unreachable", 502), False),
        ([502], fault("upstream.unreachable", 502), True),
        ([StatusClass(5)], fault("upstream.timeout", 504), True),
        ([429], fault("upstream.status", 502, upstream_status=429), True),
        ([502], fault("upstream.status", 502, upstream_status=400), False),
        ([StatusClass(5)], fault("upstream.refused", 502), False),
        (["upstream.refused"], fault("upstream.refused", 502), True),
        (None, fault("upstream.refused", 502), True),
    ],
)
def test_what_matches_a_failure(items, failure, matches):
    assert Matcher(items).fault(failure) is matches


def test_only_an_upstreams_answer_matches():
    ctx = SimpleNamespace(response=Response(503), ended=False)
    assert Matcher([503]).answer(ctx)
    ctx.ended = True
    assert not Matcher([503]).answer(ctx)
    assert not Matcher([502]).answer(SimpleNamespace(response=Response(503), ended=False))
    assert Matcher(None).answer(SimpleNamespace(response=Response(599), ended=False))


def test_retry_after_is_read_both_ways():
    def of(value: bytes) -> float | None:
        return retry_after_s(value, 784111777.0)

    assert of(b"7") == 7.0
    assert of(b"Sun, 06 Nov 1994 08:49:47 GMT") == 10.0
    assert of(b"Sun, 06 Nov 1994 08:00:00 GMT") == 0.0
    assert of(b"soon") is None


def test_pauses_double_below_a_bound_and_honour_retry_after():
    assert all(pause_s(0.1, 3, 5.0, None, 0.0) <= 0.4 for _ in range(50))
    assert all(pause_s(0.1, 40, 5.0, None, 0.0) <= 5.0 for _ in range(50))
    assert pause_s(0.1, 1, 5.0, b"3", 0.0) == 3.0
    assert pause_s(0.1, 1, 5.0, b"6", 0.0) is None


class Pieces:
    length = None

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    async def aclose(self) -> None: ...


async def test_a_kept_body_begins_again_where_it_was_broken_off():
    body = KeptBody(Pieces(b"ab", b"cd", b"ef"), 100)
    assert await body.read() == b"ab"
    assert body.rewind()
    assert [await body.read() for _ in range(4)] == [b"ab", b"cd", b"ef", b""]
    assert body.rewind()
    assert await body.read() == b"ab"


async def test_a_body_beyond_its_buffer_is_never_sent_twice():
    body = KeptBody(Pieces(b"ab", b"cd"), 3)
    assert await body.read() == b"ab"
    assert await body.read() == b"cd"
    assert not body.rewind()
    assert repr(body) == "<KeptBody [cannot be sent again]>"
    unread = KeptBody(Pieces(b"ab"), 0)
    assert unread.rewind(), "nothing was read of it"


@pytest.mark.parametrize(
    "value", [b"Mon, 01 Jan 99999999999999999999 00:00:00 GMT", b"", b"soon", b"1 Jan 1 1:1 +9999"]
)
def test_a_retry_after_that_nobody_understands_asks_for_nothing(value):
    assert retry_after_s(value, 0.0) in (None, 0.0)
