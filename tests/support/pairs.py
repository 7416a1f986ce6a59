"""One client and one provider, with a node between them: what the tests of the matrix are about."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from matrix.asks import Ask, Fault, Heard
from matrix.clients import CLIENTS
from matrix.clients.base import Client
from matrix.house import House, base, route
from matrix.upstreams import UPSTREAMS, Upstream
from matrix.verdicts import Verdict, verdict

from headgate.testing.providers import Says, Simulator


class Once:
    """A client whose calls are counted, so that each finds its row."""

    def __init__(self, client: Client, pair: Pair) -> None:
        self.inside = client
        self._pair = pair

    def __getattr__(self, name: str) -> Any:
        if name in ("whole", "stream", "events"):
            self._pair.number += 1
        return getattr(self.inside, name)


class Pair:
    """See above. `verdict` is that of the feature which the test is about."""

    def __init__(self, node: House, client: str, upstream: str, feature: str) -> None:
        self.node = node
        self.names = client, upstream
        self.client = Once(node.client(client, base(client, upstream)), self)
        self.upstream: Upstream = UPSTREAMS[upstream]
        self.sim: Simulator = node.sims[upstream]
        self.route = route(client, upstream)
        self.number = len(self._rows()) - 1
        self.judge(feature)

    def __repr__(self) -> str:
        return f"<{' → '.join(self.names)}>"

    def judge(self, feature: str) -> None:
        """The test is about this feature."""
        self.verdict: Verdict = verdict(feature, *self.names)

    @property
    def strict(self) -> Client:
        """The same client, where what cannot be said is refused. Its rows are not counted."""
        return self.node.client(self.names[0], base(*self.names, "/strict"))

    @property
    def base(self) -> str:
        """What the client was pointed at."""
        return self.node.gate.url + base(*self.names)

    @property
    def lacks_stops(self) -> bool:
        """Whether a stop sequence cannot be asked for."""
        return verdict("stop sequences", *self.names).kind != "passes"

    def ask(self, way: str, ask: Ask) -> Heard:
        """Whole or as a stream."""
        heard: Heard = getattr(self.client, way)(ask)
        return heard

    @property
    def raw(self) -> bytes:
        """What the provider has received last."""
        return self.sim.received[-1].raw

    @property
    def body(self) -> Any:
        return self.sim.received[-1].body

    def row(self) -> Any:
        """The row of the last call: it comes behind the answer."""
        self.node.wait(lambda: len(self._rows()) > self.number)
        return self._rows()[self.number]

    def _rows(self) -> list[Any]:
        return [row for row in list(self.node.gate.rows) if row["route"] == self.route]

    def fault(self, call: Callable[[], Any]) -> Fault:
        """What the SDK raises."""
        with pytest.raises(Exception) as raised:
            call()
        assert not isinstance(raised.value, AssertionError), raised.value
        return self.client.fault(raised.value)

    def passes_or_refused(self, ask: Ask, sign: str) -> None:
        """The model gets it, or the client a clear 400."""
        self.sim.says(Says("Yes."))
        if self.verdict.kind == "passes":
            assert self.client.whole(ask).text == "Yes."
            assert sign.encode() in self.raw
        else:
            before = len(self.sim.received)
            fault = self.fault(lambda: self.client.whole(ask))
            assert (fault.status, fault.kind) == (400, self.client.faults[400])
            assert "cannot do this" in fault.message
            assert len(self.sim.received) == before

    def told_or_dropped(self, ask: Ask, pattern: bytes) -> None:
        """The provider has been told, or the row says what was left out, and a strict line refuses."""
        if self.verdict.kind == "passes":
            assert re.search(pattern, self.raw), self.raw
            assert self.row().get("dropped") is None
        else:
            assert not re.search(pattern, self.raw), self.raw
            assert self.row()["dropped"]
            fault = self.fault(lambda: self.strict.whole(ask))
            assert (fault.status, fault.kind) == (400, self.client.faults[400])
            assert "It does not know" in fault.message


def each(feature: str = "text") -> Any:
    """Every pair whose client can ask for the feature."""
    pairs = [(client, upstream) for client in CLIENTS for upstream in UPSTREAMS]
    asking = [pair for pair in pairs if verdict(feature, *pair).kind != "unasked"]
    cases = [pytest.param((*pair, feature), id="-to-".join(pair)) for pair in asking]
    return pytest.mark.parametrize("pair", cases, indirect=True)
