"""The access log: what a line says, and that nobody waits for it."""

from __future__ import annotations

import io
import json
import threading

import pytest
import trio

from headgate.api import Money, hookimpl
from headgate.errors import SettingsError
from headgate.host.plugins import load_plugins
from headgate.host.settings import load_settings
from headgate.serve import open_node, open_server, prepare
from headgate_log import Log
from headgate_log.access import AccessLog
from headgate_log.lines import duration, json_line, json_remark, text_line

ROW = {
    "at": 1_767_225_600.2,
    "id": "req1",
    "route": "orders",
    "method": "GET",
    "host": "api",
    "path": "/orders/7",
    "status": 200,
    "outcome": "ok",
    "duration_s": 0.0032,
    "bytes_in": 0,
    "bytes_out": 12,
    "client": "10.0.0.1",
    "worker": "w0",
}
AI = {"model": "gpt-4.1", "input_tokens": 12, "output_tokens": 3, "cost": int(Money(48_000)), "estimated": False}


def test_a_line_tells_the_request() -> None:
    assert text_line(ROW) == "2026-01-01T00:00:00.200Z GET /orders/7 200 3.2ms orders req1"


def test_a_line_tells_the_protocol() -> None:
    line = text_line({**ROW, "http_version": "2"})
    assert line == "2026-01-01T00:00:00.200Z GET /orders/7 HTTP/2 200 3.2ms orders req1"


def test_a_grpc_call_has_its_own_status() -> None:
    assert " orders grpc-status 14 req1" in text_line({**ROW, "http_version": "2", "grpc_status": 14})


def test_a_websocket_has_what_passed_and_how_it_was_closed() -> None:
    passed = {"upgrade": "websocket", "messages_in": 3, "messages_out": 5, "bytes_in": 60, "bytes_out": 700}
    row = {**ROW, "http_version": "1.1", "status": 101, **passed}
    line = text_line({**row, "close_code": 1000, "closed_by": "client"})
    assert " GET /orders/7 HTTP/1.1 websocket 101 " in line
    assert line.endswith(" orders 3→5 messages 60→700 bytes close 1000 by client req1")
    assert text_line(row).endswith(" 60→700 bytes req1"), "a client that is gone has said no code"


def test_an_ai_call_has_caller_model_tokens_and_cost() -> None:
    line = text_line({**ROW, **AI, "team": "search", "caller": "k_1"})
    assert line.endswith("orders search/k_1 gpt-4.1 12→3 tokens $0.000048 req1")


def test_estimated_usage_says_so_and_an_unknown_cost_is_no_zero() -> None:
    line = text_line({**ROW, **AI, "estimated": True, "cost": None})
    assert "gpt-4.1 ~12→3 tokens req1" in line


def test_what_went_wrong_is_named() -> None:
    line = text_line({**ROW, "status": 504, "outcome": "failed", "error": "upstream.timeout"})
    assert " 504 3.2ms orders failed (upstream.timeout) req1" in line


def test_colour_is_for_terminals() -> None:
    assert "\x1b[32m200\x1b[0m" in text_line(ROW, colour=True)
    assert "\x1b" not in text_line(ROW)


@pytest.mark.parametrize("path", ["/a\nGET /admin 200", "/a\x1b[2J", "/a\u202eb", "/a\x00"])
def test_no_request_writes_a_line_of_its_own_or_paints_the_screen(path: str) -> None:
    line = text_line({**ROW, "path": path, "caller": path})
    assert line.isprintable()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.000412, "412µs"), (0.0032, "3.2ms"), (1.236, "1.24s"), (123.4, "2m03s")]
)
def test_durations_have_the_unit_that_reads_best(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_json_is_one_object_with_the_whole_row() -> None:
    line = json_line({**ROW, **AI, "path": "/a\nb"})
    assert "\n" not in line
    assert json.loads(line) == {"time": "2026-01-01T00:00:00.200Z", **ROW, **AI, "path": "/a\nb"}


class Telling(io.StringIO):
    """A stream that tells when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.told = trio.Event()

    def flush(self) -> None:
        trio.from_thread.run_sync(self.told.set)


async def test_adding_writes_nothing_and_the_close_writes_all() -> None:
    out = Telling()
    log = AccessLog(out, text_line)
    async with log.writing():
        log.add(ROW)
        assert out.getvalue() == ""
        with trio.fail_after(5):
            await out.told.wait()
        assert out.getvalue().count("\n") == 1
        log.add(ROW)
    assert out.getvalue().count("\n") == 2
    assert repr(log) == "<AccessLog [0 waiting, 2 written, 0 dropped]>"


async def test_lines_without_room_are_counted_and_said() -> None:
    out = io.StringIO()
    log = AccessLog(out, text_line, room=2)
    async with log.writing():
        for _ in range(5):
            log.add(ROW)
    assert log.dropped == 3
    assert out.getvalue().endswith("3 lines of the access log were dropped: whoever reads it does not keep up\n")


class Stuck(io.StringIO):
    """A terminal that was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        self.goes_on.wait(10)
        return len(text)


async def test_a_stream_that_stands_still_does_not_hold_up_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate_log.access.CLOSE_S", 0.05)
    out = Stuck()
    log = AccessLog(out, text_line)
    with trio.fail_after(5):
        async with log.writing():
            log.add(ROW)
    assert log.written == 0
    out.goes_on.set()


async def test_a_stream_that_is_gone_fails_nobody() -> None:
    out = io.StringIO()
    log = AccessLog(out, text_line)
    async with log.writing():
        log.add(ROW)
        out.close()
    assert (log.written, log.dropped) == (0, 1)


def _settings(flags: dict[str, object], environ: dict[str, str] | None = None):
    plugins = load_plugins([("log", Log)], discover=False)
    return plugins, load_settings(None, environ or {}, flags, plugins.settings_shapes())


def test_the_flags_of_serve_reach_the_table() -> None:
    _, settings = _settings({"log_format": "json", "access_log": False})
    assert settings.plugins["log"].format == "json"
    assert settings.plugins["log"].access is False


def test_a_flag_that_was_not_given_leaves_the_table_alone() -> None:
    _, settings = _settings({"log_format": None, "access_log": None}, {"HEADGATE_LOG__FORMAT": "json"})
    assert settings.plugins["log"].format == "json"
    assert settings.log_format == "json", "the node's own lines heed it as well"
    assert settings.plugins["log"].access is True


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(SettingsError, match="`log_format` must be one of"):
        _settings({"log_format": "xml"})


async def test_without_an_access_log_nothing_listens() -> None:
    plugins, settings = _settings({"access_log": False})
    async with open_node(settings, plugins) as node:
        assert "log" not in node.state


class Nosy:
    """Another plugin, with a table and a sink of its own."""

    seen: object = None

    @hookimpl
    def register_sinks(self, settings: object, node: object) -> list[object]:
        Nosy.seen = settings
        return []


async def test_every_request_is_a_line_over_a_real_socket(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.policy").write_text('policy 1\nroute hi GET /hi public { respond 200 text="hi" }\n')
    plugins = load_plugins([("log", Log), ("nosy", Nosy)], discover=False)
    flags = {"policies": str(tmp_path), "bind": ["127.0.0.1:0"], "log_format": "json"}
    settings = load_settings(None, {}, flags, plugins.settings_shapes())
    ready = await trio.to_thread.run_sync(prepare, settings, plugins)
    async with open_server(settings, plugins, ready) as server, trio.open_nursery() as nursery:
        await nursery.start(server.run)
        port = int(server.addresses[0].rpartition(":")[2])
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(b"GET /hi HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            while await stream.receive_some():
                pass
        await server.stop()
    lines = capsys.readouterr().err.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(row["path"], row["status"], row["route"]) for row in rows] == [("/hi", 200, "hi")]
    assert Nosy.seen is None


async def test_a_row_that_cannot_be_shown_takes_no_other_with_it() -> None:
    out = io.StringIO()
    log = AccessLog(out, json_line, format_remark=json_remark)
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    log.add({**ROW, "fields": nested})
    log.add(ROW)
    await log.flush()
    first, second = out.getvalue().splitlines()
    said = json.loads(first)
    assert said.pop("time").endswith("Z")
    assert said == {"level": "warning", "message": "the line of request 'req1' cannot be shown: RecursionError"}
    assert json.loads(second)["path"] == "/orders/7"
    while nested:
        nested = nested[0]  # type: ignore[assignment]


def test_of_a_failure_the_line_says_what_it_was() -> None:
    failed = {
        **ROW,
        "status": 503,
        "outcome": "failed",
        "error": "upstream.unconfigured",
        "detail": "set OPENAI_API_KEY",
    }
    assert ' failed (upstream.unconfigured) "set OPENAI_API_KEY" req1' in text_line(failed)
    refused = {**ROW, "status": 400, "outcome": "refused", "error": "request.invalid", "detail": "no `messages`"}
    assert text_line(refused).endswith(" refused (request.invalid) req1"), "what clients do wrong is in the row"
