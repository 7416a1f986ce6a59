"""Whatever goes wrong at a provider, a client's own library raises what it raises in life, with the provider's words and
never with a key; a stream that breaks says so; and who hangs up is billed for what was relayed."""

from __future__ import annotations

from typing import Any

import pytest
from matrix.asks import Ask, Fault
from matrix.upstreams import KEY
from pairs import Pair, each

from headgate.testing.providers import BROKEN_200, EMPTY_200, HTML_500, Fails, Manners, Says, Tokens

WAYS = pytest.mark.parametrize("way", ["whole", "stream"])
LONG = "All the words of the world, one after the other, until somebody has heard enough of them. " * 4


def judged(pair: Pair, fault: Fault, status: int) -> None:
    assert (fault.status, fault.kind) == (status, pair.client.faults[status]), fault
    assert KEY not in fault.message
    assert pair.node.key not in fault.message


@each()
@WAYS
def test_what_was_wrong_with_a_request_is_said_in_the_providers_words(pair: Pair, way: str) -> None:
    pair.sim.says(Fails("bad", message="Nobody may ask this."))
    fault = pair.fault(lambda: pair.ask(way, Ask()))
    judged(pair, fault, 400)
    assert "Nobody may ask this." in fault.message


@each()
@WAYS
def test_a_limit_is_told_with_the_time_to_wait(pair: Pair, way: str) -> None:
    pair.sim.says(Fails("limited", message="Too fast.", retry_after_s=7))
    fault = pair.fault(lambda: pair.ask(way, Ask()))
    judged(pair, fault, 429)
    assert "Too fast." in fault.message
    assert fault.retry_after == "7"


@each()
@WAYS
def test_a_key_that_the_provider_refuses_is_the_gateways_trouble_and_never_shown(pair: Pair, way: str) -> None:
    pair.sim.says(Fails("key"))
    judged(pair, pair.fault(lambda: pair.ask(way, Ask())), 502)


@each()
@WAYS
@pytest.mark.parametrize("answer", [HTML_500, EMPTY_200, BROKEN_200], ids=["html", "empty", "broken"])
def test_what_is_no_answer_is_the_providers_fault(pair: Pair, way: str, answer: Any) -> None:
    pair.sim.says(answer)
    fault = pair.fault(lambda: pair.ask(way, Ask()))
    judged(pair, fault, 502)
    assert "<html>" not in fault.message


@each()
@WAYS
def test_who_has_no_key_is_told_in_the_clients_dialect(pair: Pair, way: str) -> None:
    stranger = type(pair.client.inside)(pair.base, "hg_nobody-knows-this-key-0123456789")
    fault = pair.fault(lambda: getattr(stranger, way)(Ask()))
    stranger.close()
    assert (fault.status, fault.kind) == (401, pair.client.faults[401]), fault
    assert "This key is not valid." in fault.message


@each()
def test_an_error_inside_of_a_stream_is_raised_by_the_clients_library(pair: Pair) -> None:
    pair.sim.says(Says(LONG, manners=Manners(dies_after=8, how="error")))
    fault = pair.fault(lambda: pair.client.stream(Ask()))
    assert KEY not in fault.message
    row = pair.row()
    assert (row["outcome"], row["estimated"]) == ("cut", True)


@each()
@pytest.mark.parametrize("how", ["reset", "close", "end"])
def test_a_stream_that_dies_is_no_whole_answer(pair: Pair, how: Any) -> None:
    pair.sim.says(Says(LONG, manners=Manners(dies_after=8, how=how, unfinished=True)))
    fault = pair.fault(lambda: pair.client.stream(Ask()))
    assert KEY not in fault.message
    row = pair.row()
    assert (row["outcome"], row["estimated"]) == ("cut", True)
    assert row["output_tokens"] > 0


@each()
def test_a_client_that_hangs_up_stops_the_model_and_its_bill(pair: Pair) -> None:
    bills = len(pair.sim.bills)
    pair.sim.says(Says(LONG, tokens=Tokens(11, 1000), manners=Manners(pause_s=0.005)))
    stream = pair.client.events(Ask())
    for _ in range(4):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    pair.node.wait(lambda: len(pair.sim.bills) > bills)
    assert pair.sim.bills[-1].output < 900
    row = pair.row()
    assert row["estimated"]
    assert row["outcome"] != "ok"
