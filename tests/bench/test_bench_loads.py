"""What the tools of the load print is read as they mean it, and h2load is told the rate that is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench import h2load, wrk

PRINTED = """Running 2s test @ http://127.0.0.1:18081/small
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.41ms    2.02ms  30.05ms   92.54%
    Req/Sec     7.30k     1.34k    8.49k    85.00%
  14590 requests in 2.01s, 6.62MB read
{wrong}Requests/sec:   7254.44
Transfer/sec:      3.29MB
"""


def test_a_clean_run_of_wrk_is_read() -> None:
    assert wrk.parsed(PRINTED.format(wrong="")) == wrk.Loaded(14590, 7254.44, "")


def test_what_wrk_says_went_wrong_is_kept() -> None:
    wrong = "  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 12\n"
    found = wrk.parsed(PRINTED.format(wrong=wrong)).wrong
    assert found == "Socket errors: connect 0, read 3, write 0, timeout 1 Non-2xx or 3xx responses: 12"


def test_what_is_not_wrks_is_an_error() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.parsed("unable to connect to 127.0.0.1:1")


def test_a_script_posts_only_with_a_body(tmp_path) -> None:
    bare = wrk.script(tmp_path / "a.lua", {"authorization": "Bearer k"}).read_text()
    assert bare == 'wrk.headers["authorization"] = "Bearer k"\n'
    assert 'wrk.method = "POST"' in wrk.script(tmp_path / "b.lua", {}, '{"a":1}').read_text()


def test_percentiles_are_of_the_middle_of_the_run() -> None:
    quick = [f"{1_000_000 + at * 1000}\t200\t{100 + at % 10}" for at in range(1000)]
    slow_ends = [f"{1_000_000 + at * 1000}\t200\t99999" for at in (0, 1, 2, 997, 998, 999)]
    found = h2load.parsed("\n".join(quick[3:997] + slow_ends))
    assert (found.p50_us, found.p99_us, found.answered, found.wrong) == (104, 109, 1000, "")
    assert found.rate == pytest.approx(1000, rel=0.01)


def test_answers_that_are_no_success_are_counted() -> None:
    assert h2load.parsed("1\t200\t5\n2\t503\t5\n3\t-1\t5\n").wrong == "2 not 2xx"


def test_a_run_without_an_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        h2load.parsed("")


@given(st.floats(20, 90_000))
def test_the_clients_of_h2load_make_up_the_wanted_rate(rate: float) -> None:
    pace = h2load.plan(rate, 4)
    assert pace.clients * pace.rps == pytest.approx(rate, rel=0.05)  # h2load counts starts in whole milliseconds
    assert pace.requests >= rate * 4
    assert pace.requests % pace.clients == 0


@given(st.floats(20, 90_000))
def test_no_client_starts_in_step_with_more_than_a_few(rate: float) -> None:
    """Those that would start again within a tenth of a millisecond of another, by their plan."""
    pace = h2load.plan(rate, 4)
    period_ms = 1000 / pace.rps
    beats: dict[int, int] = {}
    for number in range(pace.clients):
        at = int(number * pace.apart_ms % period_ms * 10)
        beats[at] = beats.get(at, 0) + 1
    assert max(beats.values()) <= max(2, 3 * rate / 10_000)


def test_a_percentile_is_the_nearest_rank() -> None:
    assert [h2load.percentile([1, 2, 3, 4], percent) for percent in (1, 50, 75, 99)] == [1, 2, 3, 4]
