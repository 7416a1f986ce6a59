"""What a person at a terminal sees when something is not as it should be: a sentence, a status, no traceback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from live_node import ROOT, environment

from headgate.cli import main

POLICY = 'policy 1\n\nroute r GET / public {\n    respond 200 text="ok"\n}\n'


def process(cwd: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A verb as a user calls it."""
    env: Mapping[str, str] = environment(PYTHONPATH=f"{ROOT / 'kernel'}:{ROOT / 'plugins'}", **environ)
    command = [sys.executable, "-m", "headgate", *args]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=20)


def verb(*args: str, **environ: str) -> Result:
    """A verb in this process, where it stands."""
    return CliRunner(env=environ).invoke(main, list(args), prog_name="headgate")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "one.policy").write_text(POLICY, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.fixture
def taken() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize(
    ("args", "environ", "said"),
    [
        (["serve", "--bind", "TAKEN"], {}, "`bind`: TAKEN cannot be listened on: Address already in use"),
        (["serve", "--bind", "nonsense"], {}, "`bind`: 'nonsense' is not host:port"),
        (["serve", "--bind", "127.0.0.1:99999"], {}, "'127.0.0.1:99999' is not host:port"),
        (["serve"], {"HEADGATE_TRUSTED_PROXIES": "abc"}, "`trusted_proxies`: 'abc'"),
        (["serve"], {"HEADGATE_EGRESS__ALLOW": "//x"}, "`egress.allow`: '//x' is not a network"),
        (["serve"], {"HEADGATE_LIMITS__IDLES": "3"}, "there is no setting `limits.idles`"),
        (["serve"], {"HEADGATE_DRAINS": "3"}, "did you mean `drain_s`, HEADGATE_DRAIN_S in the environment?"),
        (["serve", "--config", "none.toml"], {}, "there is no file none.toml"),
        (["serve", "empty"], {}, "empty holds no .policy file"),
        (["check", "empty"], {}, "empty holds no .policy file"),
        (["serve"], {"HEADGATE_POLICIES": "missing"}, "there is no file or folder missing"),
        (["serve", "missing"], {}, "'missing' does not exist"),
        (["serve", "--data", "/proc/none"], {}, "`data`: /proc/none cannot be made"),
        (["keys", "list"], {"HEADGATE_DTA": "x"}, "did you mean `data`, HEADGATE_DATA in the environment?"),
        (["serve", "--workers", "two"], {}, "'two' is not a whole number, 0 or more"),
        (["serve", "--workers", "-1"], {}, "'-1' is not a whole number, 0 or more"),
        (["serv"], {}, "There is no verb 'serv'; did you mean 'serve'?"),
        (["serve"], {"HEADGATE_WORKERS": "x"}, 'it is "x"\n --> HEADGATE_WORKERS in the environment\n'),
        (
            ["serve"],
            {"HEADGATE_LIMITS__IDLE": "3"},
            "did you mean `limits.idle_s`, HEADGATE_LIMITS__IDLE_S in the environment?",
        ),
        (["serve"], {"HEADGATE_LOG_FORMAT": "x"}, '`log_format` must be one of "json", "text"; it is "x"'),
        (["serve"], {"HEADGATE_TRUSTED_PROXIES": "abc"}, "\n --> HEADGATE_TRUSTED_PROXIES in the environment\n"),
        (["serve", "--bind", "nonsense"], {}, "\n --> the option --bind\n"),
        (["serve", "--bind-tls", "127.0.0.1:0", "--cert", "a"], {}, "`tls.key` is missing\n --> the option --cert\n"),
    ],
)
def test_settings_that_cannot_be_used_end_with_status_2_and_a_sentence(
    folder: Path, taken: str, args: list[str], environ: dict[str, str], said: str
) -> None:
    ended = process(folder, *[arg.replace("TAKEN", taken) for arg in args], **environ)
    assert ended.returncode == 2, ended.stderr
    assert said.replace("TAKEN", taken) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("how", ["flag", "environment", "file"])
def test_the_data_folder_is_said_in_three_ways(folder: Path, how: str) -> None:
    if how == "file":
        (folder / "headgate.toml").write_text('data = "elsewhere"\n', encoding="utf-8")
    flag = ["--data", "elsewhere"] if how == "flag" else []
    environ = {"HEADGATE_DATA": "elsewhere"} if how == "environment" else {}
    made = verb("keys", "create", "--team", "t", "--name", "n", *flag, **environ)
    assert made.stdout.startswith("hg_"), made.stderr
    assert (folder / "elsewhere" / "state.db").exists()
    assert not (folder / ".headgate").exists()


def test_every_verb_takes_the_data_folder(folder: Path) -> None:
    key = verb("keys", "create", "--team", "t", "--name", "n", "--data", "d").stdout.strip()
    listed = verb("keys", "list", "--json", "--data", "d", HEADGATE_KEY=key).stdout
    key_id = json.loads(listed)["id"]
    for args in (
        ["keys", "revoke", key_id], ["logs"], ["check"], ["test"], ["routes"], ["fmt", "--check"], ["steps", "log.call"],
        ["help", "E501"],
    ):  # fmt: skip
        ended = verb(*args, "--data", "d", HEADGATE_KEY=key)
        assert ended.exit_code == 0, (args, ended.output)
    assert "revoked" in verb("keys", "list", "--data", "d").stdout
    assert not (folder / ".headgate").exists()


def test_policies_with_an_error_are_shown_whole_and_not_served(folder: Path) -> None:
    (folder / "policies" / "two.policy").write_text("policy 1\n\nroute two GET /two public {\n}\n", encoding="utf-8")
    ended = process(folder, "serve")
    assert ended.returncode == 1
    assert "two.policy:3" in ended.stderr
    assert ended.stderr.endswith("nothing is served: mend the findings above\n")


def test_a_resource_that_cannot_be_built_is_a_finding(folder: Path) -> None:
    text = 'policy 1\n\nupstream u {\n    url = "ftp://a"\n}\n\nroute two GET /two public {\n    forward u\n}\n'
    (folder / "policies" / "two.policy").write_text(text, encoding="utf-8")
    ended = process(folder, "serve", "--bind", "127.0.0.1:0")
    assert ended.returncode == 1
    assert "two.policy:3" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_team_without_a_name_is_told_in_one_line(folder: Path) -> None:
    done = process(folder, "keys", "create", "--team", "", "--name", "x")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the team '' is not 1 to 200 printable characters")
    assert "Traceback" not in done.stderr


def test_who_lists_keys_makes_no_folder(folder: Path) -> None:
    done = process(folder, "keys", "list")
    assert (done.returncode, (folder / ".headgate").exists()) == (0, False)
    assert "There are no keys" in done.stderr


def test_a_test_that_gives_no_answer_is_one_finding_and_no_traceback(folder: Path) -> None:
    text = """policy 1

upstream u { url = "http://u.internal" }
route r GET /r public { forward u }
test "x" {
    send GET /r
    expect status == 200
}
"""
    (folder / "policies" / "two.policy").write_text(text, encoding="utf-8")
    done = process(folder, "test", "policies/two.policy")
    assert done.returncode == 1
    assert "E711" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_verbs_of_plugins_are_remembered_by_the_call_and_not_by_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from headgate.cli import group

    asked: list[str] = []

    def commands_of(name: str, plugin: object) -> dict[str, object]:
        asked.append(name)
        return {}

    monkeypatch.setattr(group, "commands_of", commands_of)
    assert verb("keys").exit_code == 2
    once = len(asked)
    assert once == len(set(asked)) > 0
    assert verb("keys").exit_code == 2
    assert len(asked) == 2 * once
