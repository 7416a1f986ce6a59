"""Which connection a request gets, decided without any connection."""

from __future__ import annotations

from headgate.upstream.pool import DIAL, Pool, Reuse, Wait


class Link:
    def __init__(self) -> None:
        self.idle_since = 0.0


def pool(max_connections: int = 2) -> Pool[Link]:
    return Pool("http://orders", max_connections=max_connections, idle_s=30.0)


def test_the_repr_tells_the_state() -> None:
    links = pool(1)
    assert repr(links) == "<Pool http://orders [0 active, 0 idle, 0 waiting]>"
    links.assign(0)
    ticket = links.assign(0)
    assert repr(links) == "<Pool http://orders [1 active, 0 idle, 1 waiting]>"
    assert repr(ticket) == "<Wait [in line]>"
    links.discard()
    assert repr(ticket) == "<Wait [Dial()]>"
    links.release(Link(), 0)
    assert repr(links) == "<Pool http://orders [0 active, 1 idle, 0 waiting]>"
    links.close()
    assert repr(links) == "<Pool http://orders [0 active, 0 idle, 0 waiting, closed]>"


def test_the_connection_used_last_is_reused_first() -> None:
    links, old, new = pool(), Link(), Link()
    links.assign(0)
    links.assign(0)
    links.release(old, 1)
    links.release(new, 2)
    assert links.assign(3) == Reuse(new)
    assert links.assign(3) == Reuse(old)


def test_who_waits_is_served_in_order_before_the_idle_list() -> None:
    links, link = pool(1), Link()
    assert links.assign(0) is DIAL
    first, second = links.assign(0), links.assign(0)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    assert links.release(link, 1) is None
    assert (first.plan, second.plan) == (Reuse(link), None)
    links.discard()
    assert second.plan is DIAL
    assert links.active == 1


def test_a_place_in_line_that_is_given_up_is_nobody_s() -> None:
    links, link = pool(1), Link()
    links.assign(0)
    first, second = links.assign(0), links.assign(0)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    links.leave(first, 0)
    links.release(link, 1)
    assert second.plan == Reuse(link)


def test_what_was_granted_too_late_goes_to_the_next_in_line() -> None:
    links, link = pool(1), Link()
    links.assign(0)
    first, second, third = links.assign(0), links.assign(0), links.assign(0)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    assert isinstance(third, Wait)
    links.release(link, 1)
    links.leave(first, 1)
    assert second.plan == Reuse(link)
    links.discard()
    links.leave(third, 1)
    assert repr(links) == "<Pool http://orders [0 active, 0 idle, 0 waiting]>"


def test_a_connection_that_was_idle_too_long_is_not_reused() -> None:
    links, link = pool(), Link()
    links.assign(0)
    links.release(link, 0)
    assert links.expired(29.9) == []
    assert links.expired(30) == [link]
    assert links.assign(30) is DIAL
    assert not links.empty


def test_a_slot_whose_connection_is_dead_is_kept_for_the_next_one() -> None:
    links, old, new = pool(), Link(), Link()
    for _link in (old, new):
        links.assign(0)
    links.release(old, 0)
    links.release(new, 0)
    assert links.assign(0) == Reuse(new)
    assert links.assign_instead(0) == Reuse(old)
    assert links.assign_instead(0) is DIAL
    assert links.active == 1


def test_a_closed_pool_keeps_nothing_and_still_serves() -> None:
    links, idle, busy = pool(), Link(), Link()
    links.assign(0)
    links.assign(0)
    links.release(idle, 0)
    assert links.close() == [idle]
    assert links.assign(0) is DIAL
    assert links.release(busy, 0) is busy
    links.discard()
    assert links.empty
