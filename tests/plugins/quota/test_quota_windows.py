"""The arithmetic of windows, and whole workers over one store: never above the limit, and hardly below it."""

from __future__ import annotations

from collections import deque

import trio
import trio.lowlevel
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api import Lease, Limit, Node, Rate, Stores, Window
from headgate.testing import MemoryLeases
from headgate_quota.buckets import Bucket
from headgate_quota.quotas import Quotas

NOBODY: object = None


def limit(count: int, period_s: float = 60.0, burst: int = 0) -> Limit:
    return Limit(Rate(count, period_s), burst)


def test_a_small_limit_is_not_sliced():
    window = Window(limit(100, burst=20))
    assert [window.take(0.0, 50, "a").granted for _ in range(3)] == [1, 1, 1]
    assert window.held == {}


def test_all_workers_together_hold_a_hundredth_at_most():
    window = Window(limit(10_000))
    held = [window.take(0.0, 100, f"w{n}").granted for n in range(8)]
    assert held == [50, 25, 13, 6, 3, 2, 1, 1]
    assert sum(units for units, _ in window.held.values()) <= 100


def test_who_asks_again_has_spent_what_it_does_not_hold():
    window = Window(limit(10_000))
    assert window.take(0.0, 100, "a").granted == 50
    assert window.take(0.1, 100, "a", holding=10).granted == 45
    assert window.held["a"][0] == 55
    assert window.take(0.2, 100, "a").granted == 50


def test_a_dead_workers_slice_is_held_against_it_for_two_lives():
    window = Window(limit(10_000, 100.0))
    window.take(0.0, 100, "dead")
    assert window.take(1.9, 100, "b").granted == 25
    assert window.take(2.0, 100, "b").granted == 50


def test_what_is_given_back_can_be_had_again():
    window = Window(limit(1000))
    lease = window.take(0.0, 10, "a")
    while window.take(0.0, 1, "b").granted:
        pass
    window.give_back(lease, 3, "a")
    assert sum(window.take(0.0, 1, "b").granted for _ in range(5)) == 3


def test_returns_that_come_late_and_that_never_were_are_ignored():
    window = Window(limit(1000))
    lease = window.take(0.0, 10, "a")
    assert window.take(200.0, 1, "b").granted == 1
    window.give_back(lease, lease.granted, "a")
    window.give_back(Lease(0, 0.0), 7, "z")
    assert sum(window.slots.values()) == 1


def test_the_wait_is_when_the_next_passes_and_not_earlier():
    window = Window(limit(3))
    for at in (0.5, 10.5, 20.5):
        assert window.take(at, 1).granted
    wait = window.take(30.0, 1).wait_s
    assert wait == 31.0
    assert not window.take(30.0 + wait - 0.001, 1).granted
    assert window.take(30.0 + wait, 1).granted


def test_a_lowered_limit_waits_until_enough_has_left():
    window = Window(limit(10))
    for at in range(10):
        window.take(float(at), 1)
    window.limit = limit(2)
    wait = window.take(10.0, 1).wait_s
    assert not window.take(10.0 + wait - 0.01, 1).granted
    assert window.take(10.0 + wait, 1).granted


def test_a_window_is_kept_as_one_value():
    window = Window(limit(10_000))
    window.take(0.0, 100, "a")
    again = Window.load(window.limit, window.dump())
    assert (again.slots, again.held) == (window.slots, window.held)
    assert Window.load(window.limit, None).slots == {}
    assert repr(again) == "<Window 10000/min+0 [50 granted]>"


def most_in_a_window(passed: list[float], period_s: float) -> int:
    window: deque[float] = deque()
    most = 0
    for at in sorted(passed):
        window.append(at)
        while window[0] <= at - period_s:
            window.popleft()
        most = max(most, len(window))
    return most


@given(st.lists(st.tuples(st.integers(0, 2500), st.integers(1, 40), st.integers(0, 3)), min_size=5, max_size=40))
@settings(max_examples=150, deadline=None)
def test_never_above_the_limit_even_if_every_unit_is_spent_at_the_last_moment(asks):
    window = Window(limit(600, 1.0))
    passed: list[float] = []
    # Everything there is to have, again and again around the moments when slots end, and what chance adds.
    moments = [(16 * n, 600, n % 4) for n in range(160)]
    for at, times, worker in sorted([*asks, *moments]):
        for _ in range(times):
            lease = window.take(at / 1000, 20, f"w{worker}")
            if not lease.granted:
                break
            passed += [at / 1000 + lease.life_s] * lease.granted
    assert most_in_a_window(passed, 1.0) <= 600
    assert len(passed) > 1200


def test_a_slice_taken_at_a_slots_end_counts_where_it_can_be_spent():
    window = Window(limit(600, 1.0))
    lease = window.take(0.016, 20, "a")
    assert (lease.granted, lease.life_s) == (3, 0.01)
    passed = [0.026] * 3 + [at for at in (0.5, 1.018) for _ in range(600) if window.take(at, 1).granted]
    assert most_in_a_window(passed, 1.0) == 600


def test_a_lease_is_spent_within_its_life_counted_from_before_it_was_asked_for():
    bucket = Bucket("b", limit(10_000))
    lease = Lease(5, 1.0)
    assert bucket.granted(lease, 100.0, 100.4) is bucket.current
    assert bucket.spend(100.98)
    assert not bucket.spend(100.991)
    assert [(left.left, bucket.want) for left in bucket.expired(101.0)] == [(4, 1)]
    assert bucket.granted(lease, 200.0, 201.5) is not None
    assert bucket.demand(201.5) == 1, "it came too late to be of use"
    assert repr(bucket) == "<Bucket b [5 held, wants 1]>"


# --- whole workers ---------------------------------------------------------------------------------------------------


class DriftingClock:
    """A worker's monotonic clock that starts anywhere and runs a little fast or slow."""

    def __init__(self, rate: float, start: float) -> None:
        self.rate, self.start = rate, start

    def time(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return self.start + trio.current_time() * self.rate


class Far:
    """The store behind a network: each way takes its time."""

    def __init__(self, store: MemoryLeases, delay_s: float) -> None:
        self.store, self.delay_s = store, delay_s
        self.takes = 0
        self.granted_at: dict[object, float] = {}

    async def take(self, bucket, limit, want, worker, holding=0):
        self.takes += 1
        await trio.sleep(self.delay_s)
        lease = await self.store.take(bucket, limit, want, worker, holding)
        now = trio.current_time()
        await trio.sleep(self.delay_s)
        if lease.granted and not lease.life_s:
            self.granted_at[trio.lowlevel.current_task()] = now
        return lease

    async def give_back(self, bucket, lease, unspent, worker):
        await trio.sleep(self.delay_s)
        await self.store.give_back(bucket, lease, unspent, worker)


class World:
    """Workers over one store. `passed` holds when each request passed, `refused` when one was refused."""

    def __init__(self, one: Limit, delay_s: float = 0.0) -> None:
        self.limit = one
        self.far = Far(MemoryLeases(DriftingClock(1.0, 0.0)), delay_s)
        self.passed: list[float] = []
        self.refused: list[float] = []

    def worker(self, name: str, drift: float = 1.0, start: float = 0.0) -> Quotas:
        clock = DriftingClock(drift, start)
        return Quotas(Node(clock, NOBODY, NOBODY, Stores(leases=self.far), worker=name))  # type: ignore[arg-type]

    async def request(self, quotas: Quotas) -> None:
        bucket = quotas.buckets.get(("b", None)) or quotas.bucket(("b", None), "b", self.limit)
        passed = await quotas.take(bucket)
        if passed and bucket.current is not None and bucket.current.left <= bucket.low:
            quotas.renew(bucket)
        # A unit without a life passes when it is granted (rule 4 of the windows).
        at = self.far.granted_at.pop(trio.lowlevel.current_task(), trio.current_time())
        (self.passed if passed else self.refused).append(at)

    async def serve(self, quotas: Quotas, arrivals: list[float], dies_at: float = float("inf")) -> None:
        """Requests at these moments; a worker that dies gives nothing back."""
        with trio.move_on_at(dies_at):
            async with trio.open_nursery() as nursery:
                quotas.nursery = nursery
                nursery.start_soon(quotas.return_what_expires)
                async with trio.open_nursery() as requests:
                    for at in arrivals:
                        await trio.sleep_until(at)
                        requests.start_soon(self.request, quotas)
                quotas.nursery = None
                nursery.cancel_scope.cancel()
            await quotas.close()

    def most(self) -> int:
        """The most that passed in any window of one period."""
        return most_in_a_window(self.passed, self.limit.rate.period_s)


def run(main) -> None:
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


lives = st.tuples(
    st.floats(0.9992, 1.0008),  # more than the 500 ppm that a clock is slewed by
    st.floats(0, 1e6),
    st.lists(st.tuples(st.floats(0, 3.0), st.integers(1, 60)), min_size=1, max_size=25),
    st.sampled_from([float("inf"), 0.7, 1.5]),
)


@given(
    st.sampled_from([(20, 0), (290, 30), (600, 0), (900, 100)]),
    st.lists(lives, min_size=1, max_size=4),
    st.sampled_from([0.0, 0.0007, 0.004, 0.03]),
)
@settings(max_examples=80, deadline=None)
def test_never_above_the_limit_with_drifting_clocks_and_dying_workers(size, workers, delay_s):
    async def main() -> None:
        world = World(limit(size[0], 1.0, size[1]), delay_s)
        async with trio.open_nursery() as nursery:
            for number, (drift, start, bursts, dies_at) in enumerate(workers):
                arrivals = sorted(at for at, times in bursts for _ in range(times))
                nursery.start_soon(world.serve, world.worker(f"w{number}", drift, start), arrivals, dies_at)
        assert world.most() <= world.limit.ceiling

    run(main)


@given(st.integers(1, 4), st.sampled_from([20, 250, 1000, 5000]), st.sampled_from([0.0, 0.002]))
@settings(max_examples=25, deadline=None)
def test_what_the_limit_would_let_in_is_refused_for_one_percent_at_most(count, size, delay_s):
    async def main() -> None:
        world = World(limit(size, 60.0), delay_s)
        async with trio.open_nursery() as nursery:
            for number in range(count):
                arrivals = [20.0 * n / size + number * 0.001 for n in range(size * 2 // count)]
                nursery.start_soon(world.serve, world.worker(f"w{number}"), arrivals)
        in_the_first = [at for at in world.passed if at < 59.0]
        assert world.refused, "more came than may pass"
        before = [at for at in world.passed if at <= min(world.refused)]
        assert len(before) >= size - max(1, size // 100)
        assert size - max(1, size // 100) <= len(in_the_first) <= size

    run(main)


def test_a_busy_bucket_asks_the_store_once_for_many_and_a_quiet_one_holds_nothing():
    async def main() -> None:
        busy = World(limit(60_000, 60.0), 0.001)
        await busy.serve(busy.worker("w"), [n / 1000 for n in range(10_000)])
        assert len(busy.passed) == 10_000
        assert busy.far.takes < 300
        quiet = World(limit(6000, 60.0), 0.001)
        await quiet.serve(quiet.worker("w"), [trio.current_time() + float(n) for n in range(50)])
        assert quiet.far.takes == 50
        assert sum(window.limit.slice for window in quiet.far.store._windows.values() if window.held) == 0

    run(main)


def test_what_is_left_of_a_slice_is_given_back_when_its_life_ends():
    async def main() -> None:
        world = World(limit(1000, 60.0))
        await world.serve(world.worker("w"), [0.0] * 20)
        window = world.far.store._windows["b"]
        assert sum(window.slots.values()) == 20

    run(main)


def test_a_store_that_is_slower_than_a_slice_lives_is_asked_one_by_one():
    async def main() -> None:
        world = World(limit(1000, 1.0), 0.02)
        with trio.fail_after(5):
            await world.serve(world.worker("w"), [0.0] * 200)
        assert len(world.passed) == 200

    run(main)


def test_a_refused_caller_that_hammers_costs_the_store_one_call_a_second():
    async def main() -> None:
        world = World(limit(10, 60.0), 0.001)
        await world.serve(world.worker("w"), [n / 1000 for n in range(5000)])
        assert len(world.passed) == 10
        assert world.far.takes < 30

    run(main)


def test_buckets_are_bounded_and_what_they_held_goes_back():
    async def main() -> None:
        world = World(limit(10_000, 60.0))
        quotas = world.worker("w")
        quotas.max_buckets = 2
        async with trio.open_nursery() as nursery:
            quotas.nursery = nursery
            for name in ("a", "b", "c"):
                bucket = quotas.bucket((name, None), name, world.limit)
                for _ in range(8):
                    assert await quotas.take(bucket)
                await trio.lowlevel.checkpoint()
        assert list(quotas.buckets) == [("b", None), ("c", None)]
        windows = world.far.store._windows
        assert sum(windows["a"].slots.values()) == 8
        assert sum(windows["c"].slots.values()) > 8
        assert repr(quotas).startswith("<Quotas 2 buckets")

    run(main)
