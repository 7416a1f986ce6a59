from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from headgate.errors import PolicyError
from headgate.testing import Answer, Gate, open_gate
from headgate_auth import Auth
from headgate_auth.passwd_verb import passwd
from headgate_auth.passwords import PasswordHash, make_hash, parse_hash

HASH = make_hash("s3cret:with a colon")


def policy(line: str) -> str:
    return f"""policy 1
route who GET /who {{
    auth.basic {line} as user
    respond 200 json={{name: user.name, caller: caller.id, kind: caller.kind,
        sent: request.header["authorization"] ?? "gone", id: request.header["x-user-id"] ?? "gone"}}
}}
"""


def gate(line: str) -> object:
    return open_gate(policy(line), plugins=[("auth", Auth)], discover=False)


async def who(gate: Gate, name: str, password: str) -> Answer:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"authorization": f"Basic {encoded}", "x-user-id": "root"}
    return await gate.send("GET", "/who", headers=headers)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANA_HASH", HASH)
    monkeypatch.delenv("BEN_HASH", raising=False)
    return 'users={ana: secret("ANA_HASH"), ben: secret("BEN_HASH")} strip=["x-user-id"]'


async def test_the_right_password_passes_and_goes_no_further(users: str) -> None:
    async with gate(users) as opened:
        answer = await who(opened, "ana", "s3cret:with a colon")
        assert answer.json() == {"name": "ana", "caller": "ana", "kind": "basic", "sent": "gone", "id": "gone"}


@pytest.mark.parametrize(
    ("name", "password"), [("ana", "wrong"), ("ana", ""), ("eve", "s3cret:with a colon"), ("", "")]
)
async def test_a_wrong_password_and_a_wrong_name_look_the_same(users: str, name: str, password: str) -> None:
    async with gate(users) as opened:
        answer = await who(opened, name, password)
        assert answer.status == 401
        assert "The name or the password is wrong." in answer.text
        assert answer.headers.get(b"www-authenticate") == b'Basic realm="headgate", charset="UTF-8"'


@pytest.mark.parametrize("value", ["Basic !!!", "Basic YW5h", "Bearer abc", "Basic " + "YTpi" * 1000, "Basic"])
async def test_what_is_no_basic_credential_is_refused(users: str, value: str) -> None:
    async with gate(users) as opened:
        assert (await opened.send("GET", "/who", headers={"authorization": value})).status == 401
        assert (await opened.send("GET", "/who")).status == 401


async def test_a_hash_that_is_not_set_lets_nobody_in(users: str) -> None:
    async with gate(users) as opened:
        answer = await who(opened, "ben", "anything")
        assert (answer.status, "BEN_HASH" in answer.text) == (503, False)


async def test_a_password_is_hashed_once_and_then_remembered(users: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    real = PasswordHash.check
    monkeypatch.setattr(PasswordHash, "check", lambda self, password: checked.append(1) or real(self, password))
    async with gate(users) as opened:
        for _ in range(5):
            assert (await who(opened, "ana", "s3cret:with a colon")).status == 200
        assert len(checked) == 1
        assert (await who(opened, "ana", "s3cret:with a colo")).status == 401
        assert len(checked) == 2


async def test_too_many_guesses_at_once_are_turned_away(users: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["headgate_auth.basic"], "MOST_WAITING", 1)
    statuses: list[int] = []
    async with gate(users) as opened:

        async def guess(number: int) -> None:
            statuses.append((await who(opened, "ana", f"guess {number}")).status)

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(guess, number)
    assert set(statuses) == {401, 503}


async def test_users_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# people\n\nana:{HASH}\n")
    async with gate(f'file="{file}"') as opened:
        assert (await who(opened, "ana", "s3cret:with a colon")).status == 200


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ana", "line 1: it is not `name:hash`"),
        ("ana:plain", "line 1: this is no password hash; `headgate passwd NAME`"),
        (f"ana:{HASH}\nana:{HASH}", "line 2: a name is there twice"),
        ("ana:scrypt$1073741824$8$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "parameters that are not supported"),
        ("ana:scrypt$32768$8$1$$", "too short"),
    ],
)
async def test_a_file_that_cannot_be_used_does_not_load(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "users"
    file.write_text(text)
    with pytest.raises(PolicyError) as failed:
        async with gate(f'file="{file}"'):
            pass
    assert says in str(failed.value.diagnostics)
    assert "AAAA" not in str(failed.value.diagnostics)


@pytest.mark.parametrize("line", ["", 'file="/nowhere/at/all"', 'file="x" users={a: secret("ANA_HASH")}'])
async def test_users_come_from_one_place(users: str, line: str) -> None:
    with pytest.raises(PolicyError):
        async with gate(line):
            pass


def test_passwd_makes_a_line_that_checks() -> None:
    made = CliRunner().invoke(passwd, ["ana"], input="geheim\ngeheim\n")
    assert made.exit_code == 0
    name, _, line = made.stdout.strip().partition(":")
    assert name == "ana"
    assert parse_hash(line).check(b"geheim")
    assert not parse_hash(line).check(b"Geheim")
    assert "geheim" not in made.output
    piped = CliRunner().invoke(passwd, ["--stdin"], input="geheim\n")
    assert parse_hash(piped.stdout.strip()).check(b"geheim")
    assert repr(parse_hash(piped.stdout.strip())) == "<PasswordHash scrypt N=32768>"


@pytest.mark.parametrize(
    ("args", "text"), [(["--stdin"], "\n"), (["--stdin", "a:b"], "x\n"), (["--stdin"], "x" * 2000)]
)
def test_passwd_refuses_what_cannot_be_used(args: list[str], text: str) -> None:
    assert CliRunner().invoke(passwd, args, input=text).exit_code == 1
