"""The REST policy of the four, whole: its own tests pass with routing, quota and guard, and a stand-in for tokens."""

from __future__ import annotations

import functools
from pathlib import Path

from headgate.api import Caller, ClientFault, Const, Exchange, Text, hookimpl, step
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate_guard import Guard
from headgate_log import Log
from headgate_quota import Quota
from headgate_routing import Routing

FOUR = Path(__file__).parents[1] / "language/four"


class Claims(Caller, frozen=True, kw_only=True):
    id: str = ""
    kind: str = "jwt"
    sub: str

    def caller(self) -> Caller:
        return Caller(id=self.sub, kind="jwt", scopes=self.scopes)


@step("auth.jwt", gives="auth", raises=("auth.missing",))
def jwt(ctx: Exchange, *, issuer: Const[Text], audience: Const[Text]) -> Claims:
    """Refuses everybody whom the test does not give."""
    raise ClientFault("auth.missing", "No token.", status=401)


class Tokens:
    @hookimpl
    def register_steps(self):
        return [jwt]


def test_the_rest_policy_passes_its_own_tests():
    named = [("routing", Routing), ("quota", Quota), ("guard", Guard), ("log", Log), ("tokens", Tokens)]
    plugins = load_plugins(named, discover=False)
    assert plugins.broken == []
    for name, count in (("orders.policy", 3), ("shared/edge.policy", 1)):
        program = compile_policies(read_policies(FOUR / name, plugins.vocabulary))
        outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
        assert [str(one.finding.message) for one in outcomes if one.finding] == []
        assert len(outcomes) >= count
