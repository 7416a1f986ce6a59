"""`hypercorn -k trio headgate.asgi:app`, as a user starts it."""

from __future__ import annotations

import http.server
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

POLICY = """policy 1
route hello GET /hello public { respond 200 text="hello" }
"""


@contextmanager
def hypercorn(folder: Path, said_last: list[str] | None = None) -> Iterator[str]:
    environment = {**os.environ, "HEADGATE_POLICIES": str(folder / "p.policy"), "HEADGATE_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "hypercorn", "-k", "trio", "headgate.asgi:app", "-b", "127.0.0.1:0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        said = ""
        assert process.stderr is not None
        while not (found := re.search(r"Running on (http://\S+)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
        if said_last is not None:
            said_last += rest.splitlines()


def test_plain_hypercorn_serves_a_node(tmp_path):
    (tmp_path / "p.policy").write_text(POLICY)
    with hypercorn(tmp_path) as url:
        answer = httpx.get(url + "/hello", trust_env=False)
        assert (answer.status_code, answer.text) == (200, "hello")
        assert httpx.get(url + "/nope", trust_env=False).status_code == 404
        (tmp_path / "p.policy").write_text(POLICY.replace('text="hello"', 'text="changed"'))
        deadline = time.monotonic() + 10
        while httpx.get(url + "/hello", trust_env=False).text != "changed":
            assert time.monotonic() < deadline


class Late(http.server.BaseHTTPRequestHandler):
    """An upstream that takes longer than a client's going is not looked for."""

    def do_GET(self) -> None:
        time.sleep(0.2)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"late")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_answer_that_took_its_time_is_whole_in_the_log(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{upstream.server_address[1]}"
        (tmp_path / "p.policy").write_text(
            f'policy 1\nupstream u {{ url = "{url}" }}\nroute late GET /late public {{ forward u }}\n'
        )
        with hypercorn(tmp_path) as node:
            for _ in range(5):
                assert httpx.get(node + "/late", trust_env=False).text == "late"
        upstream.shutdown()
    (log,) = (tmp_path / "data").glob("calls-*.db")
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as calls:
        assert calls.execute("SELECT outcome, count(*) FROM calls GROUP BY 1").fetchall() == [("ok", 5)]


class Short(Late):
    """An upstream that breaks off in the middle of an answer of known or unknown length."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path.endswith("counted"):
            self.send_header("content-length", "100")
            self.end_headers()
            self.wfile.write(b"not all")
        else:
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"7\r\nnot all\r\n")
        self.close_connection = True


def test_an_answer_that_breaks_off_is_cut_and_is_one_line_of_the_log(tmp_path):
    said: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Short) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{upstream.server_address[1]}"
        (tmp_path / "p.policy").write_text(
            f'policy 1\nupstream u {{ url = "{url}" }}\nroute short GET /{{how}} public {{ forward u }}\n'
        )
        with hypercorn(tmp_path, said) as node:
            for path in ("/counted", "/chunked"):
                with pytest.raises(httpx.RemoteProtocolError):
                    httpx.get(node + path, trust_env=False)
        upstream.shutdown()
    assert [line.split(" ")[1:4] for line in said] == [["GET", "/counted", "HTTP/1.1"], ["GET", "/chunked", "HTTP/1.1"]]
    assert all(" cut (upstream.protocol) " in line for line in said)


def test_policies_with_findings_do_not_start(tmp_path):
    (tmp_path / "p.policy").write_text("policy 1\nroute hello GET /hello public { respnod 200 }\n")
    environment = {
        **os.environ,
        "HEADGATE_POLICIES": str(tmp_path / "p.policy"),
        "HEADGATE_DATA": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "hypercorn", "-k", "trio", "headgate.asgi:app", "-b", "127.0.0.1:0"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=30)
    assert "error[E004]: no installed plugin has the step `respnod`\n --> p.policy:2:33" in ended.stderr


def test_settings_that_cannot_be_used_are_told_with_their_places(tmp_path: Path) -> None:
    """Those of listening are not ours here; one that shows only where it is used has its place, too."""
    (tmp_path / "p.policy").write_text('policy 1\nroute hello GET /hello public { respond 200 text="hi" }\n')
    settings = tmp_path / "headgate.toml"
    command = [sys.executable, "-m", "hypercorn", "-k", "trio", "headgate.asgi:app", "-b", "127.0.0.1:0"]

    def said(toml: str) -> str:
        settings.write_text(f'bind = ["nowhere"]\n{toml}', encoding="utf-8")
        ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=30)
        return ended.stderr

    once = said('policies = "p.policy"\ntrusted_proxies = ["abc"]\n[limits]\nidle_s = 0\n')
    assert "error: `limits.idle_s` is 0.0; it must be above 0\n --> headgate.toml:5\n" in once
    assert "\n\nerror: `trusted_proxies`: 'abc'" in once
    assert "\n --> headgate.toml:3\n" in once
    assert "nowhere" not in once
    later = said('policies = "gone"\n')
    assert "error: there is no file or folder gone\n --> headgate.toml:2\n" in later
