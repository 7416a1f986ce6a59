"""Which client speaks to which target."""

from __future__ import annotations

import pytest

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.message.response import Response
from headgate.upstream import Transports


class Client:
    def __init__(self, status):
        self.status, self.closed = status, False

    async def send(self, target, outgoing, timeouts):
        return Response(self.status)

    async def aclose(self):
        self.closed = True


async def test_targets_marked_for_http2_have_a_client_of_their_own():
    one, two = Client(201), Client(202)
    both = Transports(one, two)
    plain, marked = Target.parse("https://a.example"), Target.parse("https://a.example", http=2)
    assert (await both.send(plain, Outgoing("GET", b"/", []), Timeouts())).status == 201
    assert (await both.send(marked, Outgoing("GET", b"/", []), Timeouts())).status == 202
    await both.aclose()
    assert one.closed
    assert two.closed


@pytest.mark.parametrize(("url", "http"), [("http://a.example", 3), ("https://a.example", 0)])
def test_a_version_that_cannot_be_spoken_is_refused(url, http):
    with pytest.raises(ValueError, match="1 and 2 are what there is"):
        Target.parse(url, http=http)
