"""`--log-format json`: every line of the log is an object, and none holds a key."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from live_node import ROOT, environment, live_node

POLICY = 'policy 1\nroute hi GET /hi public { respond 200 text="hi" }\n'
WRONG = POLICY.replace("respond", "rspond")


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.policy").write_text(POLICY)
    return folder


def lines(text: str) -> list[dict[str, Any]]:
    """Each line, which has to be an object with its moment."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(one["time"].endswith("Z") for one in found)
    assert all("method" in one or {"level", "message"} <= set(one) for one in found)
    return found


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_line_is_an_object_and_none_holds_a_key(workers: str, policies: Path, tmp_path: Path) -> None:
    with live_node(policies, tmp_path, "--log-format", "json", "--workers", workers) as node:
        urllib.request.urlopen(f"{node.url}/hi", timeout=10).read()
        (policies / "a.policy").write_text(WRONG)
        node.wait_for("what was serving goes on serving")
        (policies / "a.policy").write_text(POLICY + "\n")
        node.wait_for('"message":"reloaded')
        (banner,) = [one for one in lines(node.printed) if "headgate serves" in one.get("message", "")]
        command = banner["message"].split("`")[1]
        assert command == f"headgate keys create --data {node.data} --team demo --name first"
        made = subprocess.run(shlex.split(command), env=node.environ, capture_output=True, text=True, timeout=30)
        assert made.stdout.startswith("hg_"), made.stderr
        assert node.stop() == 0
        said = lines(node.printed)
    assert "hg_" not in node.printed
    (row,) = [one for one in said if "method" in one]
    assert (row["path"], row["status"]) == ("/hi", 200)
    (finding,) = [one for one in said if one.get("level") == "error"]
    assert "\x1b" not in finding["message"]
    assert "rspond" in finding["message"]
    with live_node(policies, tmp_path, "--log-format", "json", "--workers", workers) as again:
        assert "no key yet" not in again.printed


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("args", "policy", "status", "says"),
    [
        ([], WRONG, 1, "nothing is served: mend the findings above"),
        (["--bind", "nowhere"], POLICY, 2, "`bind`"),
        (["--cert", "no.pem", "--bind-tls", "127.0.0.1:0"], POLICY, 2, "`tls.cert` and `tls.key` belong together"),
    ],
)
def test_what_keeps_a_node_from_serving_is_an_object(
    args: list[str], policy: str, status: int, says: str, workers: str, policies: Path, tmp_path: Path
) -> None:
    (policies / "a.policy").write_text(policy)
    (tmp_path / "headgate.toml").write_text('[log]\nformat = "json"\n')
    command = [sys.executable, "-m", "headgate", "serve", str(policies), "--data", str(tmp_path / "data"), *args]
    done = subprocess.run(
        [*command, "--workers", workers, *([] if args else ["--bind", "127.0.0.1:0"])],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    said = lines(done.stderr)
    assert said[-1]["level"] == "error"
    assert says in said[-1]["message"]


def test_settings_that_cannot_be_used_are_told_as_the_others_of_them_want_it(policies: Path, tmp_path: Path) -> None:
    (tmp_path / "headgate.toml").write_text('drain_s = "soon"\n[log]\nformat = "json"\n', encoding="utf-8")
    command = [sys.executable, "-m", "headgate", "serve", str(policies)]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    (said,) = lines(done.stderr)
    assert "`drain_s` must be a number, 0 or more" in said["message"]


def test_settings_that_cannot_be_read_are_told_as_the_flag_wants_it(policies: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "serve", str(policies), "--log-format", "json"],
        env=environment(HEADGATE_DRAIN_S="soon"), cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    (said,) = lines(done.stderr)
    assert done.returncode == 2
    assert "`drain_s`" in said["message"]
