"""gRPC end to end: grpcio as the client and as the upstream, a node between them."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
import trio
from doors import open_door

POLICY = """policy 1
upstream g {{ url = "http://127.0.0.1:{port}", http = 2 }}
route g POST /pkg.Echo/{{method}} public {{ forward g }}
route slow POST /pkg.Slow/{{method}} public {{ forward g timeout=200ms }}
route key POST /pkg.Key/{{method}} {{
    auth.key as key
    limit.rate 1/min by=key.id
    forward g
}}
route kept POST /pkg.Kept/{{method}} public {{
    log.call durable=true
    forward g
}}
route said POST /pkg.Said/{{method}} public {{ respond 403 text="not you: ü%" }}
"""


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        method = details.method.rsplit("/", 1)[1]
        kinds = {
            "Unary": (grpc.unary_unary_rpc_method_handler, self.unary),
            "Fail": (grpc.unary_unary_rpc_method_handler, self.fail),
            "Hang": (grpc.unary_unary_rpc_method_handler, self.hang),
            "Down": (grpc.unary_stream_rpc_method_handler, self.down),
            "Up": (grpc.stream_unary_rpc_method_handler, self.up),
            "Both": (grpc.stream_stream_rpc_method_handler, self.both),
        }
        make, call = kinds[method]
        return make(call)

    def __init__(self):
        self.ended = queue.Queue()

    def unary(self, request, context):
        context.send_initial_metadata((("x-head", "1"),))
        context.set_trailing_metadata((("x-trail", "2"), ("x-bin", b"3")))
        return request[::-1]

    def fail(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: ü")

    def hang(self, request, context):
        done = queue.Queue()
        context.add_callback(lambda: done.put(1))
        done.get(timeout=20)
        self.ended.put("hang")
        return b""

    def down(self, request, context):
        for at in range(int(request)):
            yield b"%d" % at

    def up(self, requests, context):
        return b"%d" % sum(len(one) for one in requests)

    def both(self, requests, context):
        for one in requests:
            yield one.upper()


@pytest.fixture
def upstream() -> Iterator[tuple[int, Echo]]:
    server = grpc.server(futures.ThreadPoolExecutor(8))
    echo = Echo()
    server.add_generic_rpc_handlers((echo,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port, echo
    server.stop(None).wait()


async def call(d, certified, work):
    """Run `work(channel)` in a thread, on a channel to the node."""
    address = d.url.split("//")[1]

    def run():
        if d.url.startswith("https"):
            with open(certified.ca, "rb") as ca:
                secure = grpc.ssl_channel_credentials(ca.read())
            channel = grpc.secure_channel(address, secure)
        else:
            channel = grpc.insecure_channel(address)
        with channel:
            return work(channel)

    return await trio.to_thread.run_sync(run)


DOORS = pytest.mark.parametrize("door", ["HTTP/2", "HTTP/2 in the clear"])


@DOORS
async def test_a_unary_call_with_its_metadata(door, certified, upstream):
    def work(channel):
        return channel.unary_unary("/pkg.Echo/Unary").with_call(b"hello", timeout=10, metadata=(("x-mine", "1"),))

    async with open_door(door, POLICY.format(port=upstream[0]), certified) as d:
        got, made = await call(d, certified, work)
        assert got == b"olleh"
        assert ("x-head", "1") in made.initial_metadata()
        assert ("x-trail", "2") in made.trailing_metadata()
        row = await d.gate.row(0)
        assert (row["status"], row["grpc_status"], row["outcome"]) == (200, 0, "ok")


async def test_a_durable_row_has_the_status_of_its_call(certified, upstream):
    def work(channel):
        return channel.unary_unary("/pkg.Kept/Unary")(b"hello", timeout=10)

    async with open_door("HTTP/2 in the clear", POLICY.format(port=upstream[0]), certified) as d:
        assert await call(d, certified, work) == b"olleh"
        assert (await d.gate.row(0))["grpc_status"] == 0


@DOORS
async def test_streams_go_both_ways_at_once(door, certified, upstream):
    def work(channel):
        said = queue.Queue()
        answers = channel.stream_stream("/pkg.Echo/Both")(iter(said.get, None), timeout=20)
        got = []
        for at in range(50):
            said.put(b"m%d" % at)
            got.append(next(answers))  # each answer comes before the next is asked for
        said.put(None)
        return got, list(answers), answers.code()

    async with open_door(door, POLICY.format(port=upstream[0]), certified) as d:
        got, rest, code = await call(d, certified, work)
        assert got == [b"M%d" % at for at in range(50)]
        assert (rest, code) == ([], grpc.StatusCode.OK)


@DOORS
async def test_streams_up_and_down(door, certified, upstream):
    def work(channel):
        up = channel.stream_unary("/pkg.Echo/Up")(iter([b"x" * 50_000] * 40), timeout=20)
        return up, list(channel.unary_stream("/pkg.Echo/Down")(b"500", timeout=20))

    async with open_door(door, POLICY.format(port=upstream[0]), certified) as d:
        up, down = await call(d, certified, work)
        assert up == b"2000000"
        assert down == [b"%d" % at for at in range(500)]
        assert (await d.gate.row(0))["bytes_in"] > 2_000_000


def failing(path, **more):
    def work(channel):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(path)(b"x", timeout=10, **more)
        return caught.value.code(), caught.value.details()

    return work


@pytest.mark.parametrize(
    ("path", "code", "details", "status"),
    [
        ("/pkg.Echo/Fail", grpc.StatusCode.NOT_FOUND, "no such thing: ü", 200),
        (
            "/pkg.Key/Unary",
            grpc.StatusCode.UNAUTHENTICATED,
            "A key is needed. Send it as `Authorization: Bearer hg_…`.",
            401,
        ),
        ("/pkg.Said/Unary", grpc.StatusCode.PERMISSION_DENIED, "not you: ü%", 403),
        ("/pkg.Nowhere/Unary", grpc.StatusCode.UNIMPLEMENTED, "No route answers POST /pkg.Nowhere/Unary.", 404),
        ("/pkg.Slow/Hang", grpc.StatusCode.DEADLINE_EXCEEDED, "The upstream took too long.", 504),
    ],
)
async def test_refusals_have_a_status_of_grpc_s_own(path, code, details, status, certified, upstream):
    async with open_door("HTTP/2 in the clear", POLICY.format(port=upstream[0]), certified) as d:
        assert await call(d, certified, failing(path)) == (code, details)
        row = await d.gate.row(0)
        assert (row["status"], row["grpc_status"]) == (status, code.value[0])


async def test_a_limit_is_resource_exhausted(certified, upstream):
    async with open_door("HTTP/2 in the clear", POLICY.format(port=upstream[0]), certified) as d:
        metadata = (("authorization", f"Bearer {await d.gate.key()}"),)
        assert (
            await call(
                d,
                certified,
                lambda channel: channel.unary_unary("/pkg.Key/Unary")(b"ab", metadata=metadata, timeout=10),
            )
            == b"ba"
        )
        code, _ = await call(d, certified, failing("/pkg.Key/Unary", metadata=metadata))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_upstream_that_is_down_is_unavailable(certified):
    async with open_door("HTTP/2 in the clear", POLICY.format(port=9), certified) as d:
        code, _ = await call(d, certified, failing("/pkg.Echo/Unary"))
        assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_call_that_is_cancelled_is_cancelled_upstream(certified, upstream):
    def work(channel):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/pkg.Echo/Hang")(b"x", timeout=0.3)
        return caught.value.code()

    async with open_door("HTTP/2 in the clear", POLICY.format(port=upstream[0]), certified) as d:
        assert await call(d, certified, work) is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await trio.to_thread.run_sync(lambda: upstream[1].ended.get(timeout=5)) == "hang"
        assert (await d.gate.row(0))["outcome"] == "client_gone"
