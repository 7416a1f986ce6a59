"""What RFC 9110 and 9112 ask of what goes through a node, from its client to its upstream and back. See docs/http.md."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from headgate.testing import Gate, ScriptedUpstream, open_gate, reply, says
from headgate.testing.upstreams import Script
from headgate_auth import Auth
from headgate_routing import Routing

POLICY = """policy 1
upstream u {{ url = "{url}" }}
route all GET, POST, PUT, OPTIONS, PROPFIND, PURGE /x public {{ forward u timeout=2s }}
route some GET, PUT /y public {{ respond 200 }}
route known GET /key {{
    auth.key
    respond 200
}}
route reset GET /reset public {{ respond 205 text="nothing to see" }}
"""


PLUGINS = [("auth", Auth), ("routing", Routing)]


class Passage:
    """A node before one upstream."""

    def __init__(self, gate: Gate, up: ScriptedUpstream) -> None:
        self.gate = gate
        self.up = up

    async def says(self, data: bytes) -> bytes:
        """The answer to raw bytes on a connection of their own, which the client leaves open."""
        stream = await trio.open_tcp_stream("127.0.0.1", int(self.gate.url.rpartition(":")[2]))
        got = b""
        async with stream:
            await stream.send_all(data)
            while piece := await stream.receive_some():
                got += piece
        return got


@pytest.fixture
async def passage(request: pytest.FixtureRequest, nursery: trio.Nursery) -> AsyncIterator[Passage]:
    script: Script = getattr(request, "param", None) or reply(200, b"ok")
    up = await ScriptedUpstream(script).start(nursery)
    async with open_gate(POLICY.format(url=up.url), plugins=PLUGINS, discover=False) as gate:
        yield Passage(gate, up)


def with_upstream(*scripts: Script) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("passage", scripts, indirect=True)


# --- who answers ------------------------------------------------------------------------------------------------------


async def test_options_for_the_server_as_a_whole_is_answered_here(passage: Passage) -> None:
    got = await passage.says(b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 204 ")
    assert b"allow: GET, HEAD, OPTIONS, POST, PROPFIND, PURGE, PUT\r\n" in got
    assert passage.up.received == []
    assert (await passage.gate.row(0))["outcome"] == "ok"


@pytest.mark.parametrize(("path", "allow"), [("/x", b"GET, HEAD, OPTIONS, POST, PROPFIND, PURGE, PUT"), ("/y", b"GET, HEAD, OPTIONS, PUT")])  # fmt: skip
async def test_options_that_may_go_no_further_is_answered_here(passage: Passage, path: str, allow: bytes) -> None:
    answer = await passage.gate.send("OPTIONS", path, headers={"max-forwards": "0"})
    assert (answer.status, answer.headers.get(b"allow")) == (204, allow)
    assert passage.up.received == []


async def test_options_that_may_go_no_further_and_has_no_route_is_not_found(passage: Passage) -> None:
    assert (await passage.gate.send("OPTIONS", "/none", headers={"max-forwards": "0"})).status == 404


@pytest.mark.parametrize(("said", "sent"), [("1", b"0"), ("10", b"9"), ("9" * 40, b"999999999"), ("many", b"many")])
async def test_each_hop_of_options_takes_one_from_max_forwards(passage: Passage, said: str, sent: bytes) -> None:
    await passage.gate.send("OPTIONS", "/x", headers={"max-forwards": said})
    assert passage.up.received[0].headers.all(b"max-forwards") == [sent]


async def test_max_forwards_of_other_methods_means_nothing(passage: Passage) -> None:
    await passage.gate.send("GET", "/x", headers={"max-forwards": "0"})
    assert passage.up.received[0].headers.get(b"max-forwards") == b"0"


@pytest.mark.parametrize("method", ["PROPFIND", "PURGE"])
async def test_a_method_of_others_goes_through_a_route_that_names_it(passage: Passage, method: str) -> None:
    got = await passage.says(f"{method} /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 200 ")
    assert passage.up.received[0].method == method


async def test_a_method_that_the_path_does_not_have_is_told_which_it_has(passage: Passage) -> None:
    answer = await passage.gate.send("PROPFIND", "/y")
    assert (answer.status, answer.headers.get(b"allow")) == (405, b"GET, HEAD, PUT")


@pytest.mark.parametrize(
    ("method", "path"), [("LINK", "/y"), ("LINK", "/none"), ("propfind", "/x"), ("A" * 4000, "/x")]
)
async def test_a_method_that_no_route_has_is_not_implemented(passage: Passage, method: str, path: str) -> None:
    got = await passage.says(f"{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 501 ")
    row = await passage.gate.row(0)
    assert (row["status"], row["outcome"], row["route"]) == (501, "refused", None)


# --- heads on their way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_via_names_the_version_that_the_request_came_in(passage: Passage, version: str) -> None:
    await passage.says(f"GET /x HTTP/{version}\r\nhost: a\r\nvia: 1.0 fred\r\nconnection: close\r\n\r\n".encode())
    received = passage.up.received[0]
    assert received.headers.all(b"via") == [f"1.0 fred, {version} headgate".encode()]
    assert b" HTTP/1.1\r\n" in received.raw_head


@with_upstream(reply(200, b"ok", [(b"via", b"1.1 origin")]))
async def test_via_of_an_answer_is_as_the_upstream_wrote_it(passage: Passage) -> None:
    assert (await passage.gate.send("GET", "/x")).headers.all(b"via") == [b"1.1 origin"]


async def test_every_connection_line_is_heeded(passage: Passage) -> None:
    lines = b"connection: x-one\r\nx-one: 1\r\nx-two: 2\r\nX-Three: 3\r\nconnection: , close,, X-TWO ,\r\nconnection: x-three\r\n"
    await passage.says(b"GET /x HTTP/1.1\r\nhost: a\r\n" + lines + b"\r\n")
    received = passage.up.received[0].headers
    assert not {b"x-one", b"x-two", b"x-three", b"connection"} & {name for name, _ in received}


@with_upstream(
    says(
        b"HTTP/1.1 200 OK\r\nconnection: X-One\r\nx-one: 1\r\nconnection: close, x-two\r\nx-two: 2\r\nx-end: 3\r\n"
        b"proxy-connection: keep-alive\r\nproxy-authenticate: Basic\r\nupgrade: h2c\r\ntrailer: x-t\r\ncontent-length: 2\r\n\r\nok"
    )
)
async def test_what_an_answer_s_connection_names_goes_no_further(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x")
    names = {name for name, _ in answer.headers}
    assert b"x-end" in names
    gone = {b"x-one", b"x-two", b"proxy-connection", b"proxy-authenticate", b"upgrade", b"trailer"}
    assert not gone & names


@pytest.mark.parametrize("name", ["proxy-authorization", "proxy-connection", "content_length", "Transfer_Encoding"])
async def test_what_is_for_this_hop_goes_no_further_in_any_spelling(passage: Passage, name: str) -> None:
    await passage.says(f"GET /x HTTP/1.1\r\nhost: a\r\n{name}: 7\r\nconnection: close\r\n\r\n".encode())
    assert name.lower().encode() not in passage.up.received[0].headers


async def test_lines_of_one_name_keep_their_order_and_unknown_ones_pass(passage: Passage) -> None:
    lines = b"x-a: 1\r\nx-b: \xe9\r\nX-A: 2\r\nx-a:\r\n"
    await passage.says(b"GET /x HTTP/1.1\r\nhost: a\r\n" + lines + b"connection: close\r\n\r\n")
    received = passage.up.received[0].headers
    assert received.all(b"x-a") == [b"1", b"2", b""]
    assert received.get(b"x-b") == b"\xe9"


CHALLENGES = [
    (b"www-authenticate", b'Basic realm="a", Digest x'),
    (b"www-authenticate", b"Bearer"),
    (b"allow", b"GET , ,put"),
]


@with_upstream(reply(401, b"no", CHALLENGES))
async def test_credentials_challenges_and_methods_pass_unchanged(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x", headers={"authorization": "Basic  YTpi"})
    assert [line for line in answer.headers if line[0] in (b"www-authenticate", b"allow")] == CHALLENGES
    assert passage.up.received[0].headers.all(b"authorization") == [b"Basic  YTpi"]


async def test_who_was_known_a_request_ago_is_not_known_now(passage: Passage) -> None:
    first = b"GET /key HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\n\r\n" % (await passage.gate.key()).encode()
    got = await passage.says(first + b"GET /key HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"\r\n\r\nHTTP/1.1 401 " in got


CONDITIONS = {
    "range": "bytes=0-3, 7-",
    "if-range": '"v1"',
    "if-match": '"v1", W/"v2"',
    "if-none-match": "*",
    "if-modified-since": "Sun Nov  6 08:49:37 1994",
    "if-unmodified-since": "Sunday, 06-Nov-94 08:49:37 GMT",
}


@with_upstream(reply(200, b"ok", [(b"accept-ranges", b"bytes")]))
async def test_conditions_and_ranges_are_the_upstream_s_to_judge(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x", headers=CONDITIONS)
    assert (answer.status, answer.headers.get(b"accept-ranges")) == (200, b"bytes")
    received = passage.up.received[0].headers
    assert {name: received.text(name) for name in CONDITIONS} == CONDITIONS


DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
PARTIAL = [(b"content-range", b"bytes 0-1/10"), (b"etag", b'"v1"'), (b"date", DATE), (b"last-modified", DATE)]


@with_upstream(reply(206, b"ok", PARTIAL), reply(416, b"no", [(b"content-range", b"bytes */10"), (b"date", DATE)]))
async def test_parts_and_refused_ranges_pass_as_they_came(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x", headers={"range": "bytes=0-1"})
    assert (answer.status, answer.body) in ((206, b"ok"), (416, b"no"))
    assert answer.headers.get(b"date") == DATE
    wanted = PARTIAL if answer.status == 206 else [(b"content-range", b"bytes */10")]
    assert [line for line in wanted if line not in answer.headers.lines] == []


@with_upstream(says(b'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\nexpires: 0\r\nvary: a\r\ncontent-length: 10\r\n\r\n'))
async def test_not_modified_passes_with_what_a_cache_needs(passage: Passage) -> None:
    got = await passage.says(b'GET /x HTTP/1.1\r\nhost: a\r\nif-none-match: "v1"\r\nconnection: close\r\n\r\n')
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == b""
    assert [
        line for line in (b'etag: "v1"', b"expires: 0", b"vary: a", b"content-length: 10") if line not in head
    ] == []


@with_upstream(says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
async def test_an_answer_without_a_date_gets_one(passage: Passage) -> None:
    date = (await passage.gate.send("GET", "/x")).headers.get(b"date")
    assert date is not None
    assert date.endswith(b" GMT")


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/reset", "/x"])
@with_upstream(says(b"HTTP/1.1 205 Reset Content\r\ncontent-length: 4\r\n\r\noops"))
async def test_a_reset_content_brings_none(passage: Passage, path: str) -> None:
    got = await passage.says(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 205 ")
    assert b"content-length: 0" in head
    assert body == b""


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@with_upstream(says(INTERIM + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
async def test_interim_answers_of_an_upstream_end_here(passage: Passage, version: str) -> None:
    got = await passage.says(f"GET /x HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"link:" not in got


@with_upstream(says(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
async def test_an_upstream_that_never_gets_to_its_answer_is_a_bad_gateway(passage: Passage) -> None:
    assert (await passage.gate.send("GET", "/x")).status == 502


@with_upstream(
    says(b"HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n"),
    says(b"HTTP/1.1 299\r\ncontent-length: 0\r\n\r\n"),
    says(b"HTTP/1.1 299 What \xe9ver\r\ncontent-length: 0\r\n\r\n"),
)
async def test_a_status_that_nobody_knows_passes_without_its_phrase(passage: Passage) -> None:
    got = await passage.says(b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 299 \r\n")


@with_upstream(
    says(b"HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 2\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\na : b\r\ncontent-length: 2\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 2\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\na: b\rc\r\ncontent-length: 2\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok"),
    says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    says(b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    says(b"HTTP/1.1 600 No\r\ncontent-length: 0\r\n\r\n"),
    says(b"HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n"),
    says(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
    says(b"RTSP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
    says(b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
)
async def test_an_answer_with_two_readings_is_a_bad_gateway(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x")
    assert (answer.status, answer.json()["status"]) == (502, 502)


@with_upstream(
    says(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 ;a=b\r\nok\r\n0\r\nx-sum: 1\r\ncontent-length: 9\r\n\r\n"
    )
)
async def test_extensions_and_trailers_of_an_answer_are_dropped(passage: Passage) -> None:
    answer = await passage.gate.send("GET", "/x", headers={"te": "trailers"})
    assert answer.body == b"ok"
    assert b"x-sum" not in answer.headers
    assert b"te" not in passage.up.received[0].headers


@with_upstream(says(b"HTTP/1.1 200 OK\r\n\r\nok"), says(b"HTTP/1.0 200 OK\r\n\r\nok"))
async def test_an_answer_that_its_end_delimits_is_framed_anew(passage: Passage) -> None:
    got = await passage.says(b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in got
    assert got.endswith(b"\r\n\r\n2\r\nok\r\n0\r\n\r\n")


# --- bodies -----------------------------------------------------------------------------------------------------------


async def test_trailers_of_a_request_are_dropped(passage: Passage) -> None:
    data = b"POST /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    await passage.says(data + b"x-sum: 1\r\nhost: evil\r\n\r\n")
    received = passage.up.received[0]
    assert received.body == b"ok"
    assert not {b"x-sum", b"trailer"} & {name for name, _ in received.headers}
    assert received.headers.all(b"host") != [b"evil"]


async def test_an_expectation_is_met_here_and_not_passed_on(passage: Passage) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", int(passage.gate.url.rpartition(":")[2]))
    async with stream:
        await stream.send_all(
            b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        )
        assert await stream.receive_some() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await stream.send_all(b"ok")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
    assert passage.up.received[0].body == b"ok"
    assert b"expect" not in passage.up.received[0].headers
