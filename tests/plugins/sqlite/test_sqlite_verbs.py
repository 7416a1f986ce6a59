from __future__ import annotations

import json
import time

import pytest
import trio
from click.testing import Result
from tests.plugins.sqlite.conftest import row


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(run) -> None:
    made = run("keys", "create", "--team", "search", "--name", "app", "--model", "gpt-*", "--expires", "30d")
    assert made.exit_code == 0
    secret = made.stdout.strip()
    assert secret.startswith("hg_")
    assert "shown this once" in made.stderr
    listed = run("keys", "list")
    assert secret not in listed.output
    assert "gpt-*" in listed.stdout
    assert "valid until" in listed.stdout
    key_id = listed.stdout.splitlines()[1].split()[0]
    assert "is revoked since" in run("keys", "revoke", key_id).stderr
    assert "revoked" in run("keys", "list", "--team", "search").stdout


def test_json_is_one_object_a_line(run) -> None:
    made = json.loads(run("keys", "create", "--team", "search", "--name", "app", "--scope", "a", "--json").stdout)
    assert made["key"].startswith("hg_")
    listed = json.loads(run("keys", "list", "--json").stdout)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert listed["scopes"] == ["a"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("keys", "revoke", "k_nobody"), "there is no such key: `headgate keys list`"),
        (("keys", "revoke", "hg_abc"), "give its id, not the key itself"),
        (("keys", "create", "--team", "", "--name", "x"), "the team '' is not 1 to 200 printable"),
        (("keys", "create", "--team", "t", "--name", "x", "--expires", "soon"), "write 90s, 15min, 1h or 30d"),
        (("logs", "--status", "abc"), "write 404 or 5xx"),
        (("logs",), "nothing was ever logged there"),
    ],
)
def test_a_mistake_is_told_with_its_fix(run, args: tuple[str, ...], says: str) -> None:
    result = run(*args)
    assert result.exit_code != 0
    assert says in " ".join(result.output.replace("│", " ").split())


@pytest.fixture
async def logged(opened) -> float:
    now = time.time()
    async with opened() as stores:
        stores.calls.add(row(id="a1", at=now - 7200))
        stores.calls.add(row(id="a2", at=now - 60, status=503, outcome="failed", error="upstream.timeout"))
        chat = dict(route="chat", team="search", model="gpt-4.1", input_tokens=10, output_tokens=2, cost=1_250_000)
        # Two tries in a budget, inside of another one that was told less.
        chat["spent"] = [("a", 0, 2_000_000, "h"), ("a", 0, 500_000, "h"), ("b", 0, 1, "h")]
        stores.calls.add(row(id="a3", at=now - 30, path="/v1/\x1b[31mred", **chat))
        stores.calls.add(row(id="a4", at=now - 1, status=404, outcome="refused", route=None))
    return now


async def logs(run, *args: str) -> Result:
    return await trio.to_thread.run_sync(lambda: run("logs", *args))


@pytest.mark.parametrize(
    ("args", "ids"),
    [
        ((), ["a2", "a3", "a4"]),
        (("--since", "3h"), ["a1", "a2", "a3", "a4"]),
        (("--status", "5xx"), ["a2"]),
        (("--status", "404"), ["a4"]),
        (("--route", "chat"), ["a3"]),
        (("--team", "search"), ["a3"]),
        (("--outcome", "refused"), ["a4"]),
        (("--id", "a1"), ["a1"]),
        (("--limit", "2"), ["a3", "a4"]),
    ],
)
async def test_logs_gives_what_was_asked_for(run, logged: float, args: tuple[str, ...], ids: list[str]) -> None:
    result = await logs(run, *args, "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ids


async def test_a_line_says_what_happened_and_holds_no_escape_sequence(run, logged: float) -> None:
    failed, chat, refused = (await logs(run)).stdout.splitlines()
    assert " 503  12.3ms -        GET    /orders/7 " in failed
    assert failed.endswith(" failed upstream.timeout a2")
    assert "/v1/\\x1b[31mred" in chat
    assert "\x1b" not in chat
    assert chat.endswith(" gpt-4.1 10+2 tok $0.00125 (booked $0.0025) a3")
    assert refused.endswith(" refused a4")


async def test_a_line_tells_what_was_spoken(opened, run) -> None:
    at = time.time() - 9
    async with opened() as stores:
        stores.calls.add(row(id="a1", at=at))
        stores.calls.add(row(id="a2", at=at, http_version="1.1"))
        stores.calls.add(row(id="a3", at=at, http_version="2", grpc_status=14))
        passed = dict(upgrade="websocket", messages_in=3, messages_out=5, bytes_in=60, bytes_out=700)
        stores.calls.add(row(id="a4", at=at, http_version="1.1", close_code=1000, closed_by="client", **passed))
    older, plain, grpc, websocket = (await logs(run)).stdout.splitlines()
    assert "12.3ms -        GET    /orders/7 " in older
    assert "12.3ms HTTP/1.1 GET    /orders/7 " in plain
    assert " HTTP/2   GET " in grpc
    assert grpc.endswith(" grpc-status 14 a3")
    assert websocket.endswith(" websocket 3→5 messages 60→700 bytes close 1000 by client a4")
    assert json.loads((await logs(run, "--json", "--id", "a3")).stdout)["grpc_status"] == 14


async def test_nothing_found_is_said(run, logged: float) -> None:
    result = await logs(run, "--route", "nope")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No such calls" in result.stderr


async def test_attempts_have_their_lines_and_a_cache_its_mark(opened, run) -> None:
    attempts = [
        {"target": "openai/m", "result": "429", "duration_s": 0.2, "key": "POOL_ONE", "status": 429, "why": "Slow\x1b[31m."},
        {"target": "openai/m", "result": "ok", "duration_s": 0.4, "key": "POOL_TWO", "cost": 1_250_000},
    ]  # fmt: skip
    async with opened() as stores:
        stores.calls.add(row(id="a1", at=time.time() - 9, attempts=attempts))
        stores.calls.add(row(id="a2", at=time.time() - 5, attempts=attempts[1:], cache="hit"))
    first, one, two, second = (await logs(run)).stdout.splitlines()
    assert first.endswith(" a1")
    assert one.strip() == "1. 200.0ms openai/m 429 POOL_ONE Slow\\x1b[31m."
    assert two.strip() == "2. 400.0ms openai/m ok POOL_TWO $0.00125"
    assert second.endswith(" cache hit a2")
    assert json.loads((await logs(run, "--json", "--id", "a1")).stdout)["attempts"] == attempts
