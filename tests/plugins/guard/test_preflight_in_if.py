"""A preflight that no line has answered reaches no upstream."""

from __future__ import annotations

from headgate.testing import ScriptedUpstream, open_gate, reply
from headgate_guard import Guard
from headgate_routing import Routing


async def test_a_preflight_that_passes_by_its_cors_is_refused(nursery):
    up = await ScriptedUpstream(reply()).start(nursery)
    text = f"""policy 1
upstream u {{ url = "{up.url}" }}
route r GET /r public {{
    if request.header["x-page"] == "1" {{ cors allow=["https://a.example"] }}
    fallback {{
        forward u
        forward u
    }}
}}
"""
    asks = {"origin": "https://a.example", "access-control-request-method": "GET"}
    async with open_gate(text, plugins=[("guard", Guard), ("routing", Routing)], discover=False) as g:
        assert (await g.send("OPTIONS", "/r", headers=asks)).status == 405
        assert (await g.send("OPTIONS", "/r", headers={**asks, "x-page": "1"})).status == 204
        assert up.received == []
        assert (await g.send("GET", "/r")).status == 200
