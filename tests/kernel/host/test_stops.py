"""How often a node was told to stop."""

from __future__ import annotations

from signal import SIGINT, SIGTERM

from headgate.host.stops import Stops


def test_sigterms_within_half_a_second_are_one() -> None:
    stops = Stops()
    assert [stops.heard(SIGTERM, at) for at in (9.0, 9.0, 9.49, 9.5, 9.6, 30.0, 30.1)] == [
        True, False, False, True, False, True, False,
    ]  # fmt: skip
    assert repr(stops) == "<Stops 3>"


def test_each_ctrl_c_counts_and_so_does_one_behind_a_sigterm() -> None:
    stops = Stops()
    assert [stops.heard(number, 9.0) for number in (SIGTERM, SIGINT, SIGINT, SIGTERM)] == [True, True, True, False]
    assert stops.count == 3
