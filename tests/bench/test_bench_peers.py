"""The peers are what the cases say, and what is kept beside them fits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench import bed, installed, probe
from tests.bench.cases import CASES, PACES
from tests.bench.peers.all import PEERS
from tests.bench.peers.headgate import Ai, Headgate


def test_every_gateway_of_a_case_is_there_and_can_what_the_case_asks() -> None:
    for case in CASES:
        for name in case.peers:
            assert not case.streams or PEERS[name].stream_path, (case.name, name)
            assert not case.tls or PEERS[name].tls_port, (case.name, name)
    assert {name for pace in PACES for name in (pace.subject, pace.beside)} <= PEERS.keys()


def test_every_gateway_has_its_turn() -> None:
    assert {name for case in CASES for name in case.peers} == PEERS.keys()


def test_an_open_loop_knows_the_full_load_of_both() -> None:
    cases = {case.name: case for case in CASES}
    for pace in PACES:
        assert {pace.subject, pace.beside} <= set(cases[pace.full].peers)
        assert cases[pace.full].path == pace.path


def test_no_two_gateways_want_one_port_and_configurations_name_theirs() -> None:
    ports = [port for peer in PEERS.values() for port in (peer.port, peer.tls_port) if port]
    assert len(ports) == len(set(ports))
    for peer in PEERS.values():
        if peer.configuration.rpartition(".")[2] in ("conf", "cfg", "Caddyfile") or peer.name == "envoy":
            text = (bed.CONFIGURATIONS / peer.configuration).read_text()
            assert str(peer.port) in text, peer.name
            assert str(peer.tls_port) in text, peer.name


def test_every_configuration_is_kept_in_the_repository() -> None:
    assert [
        peer.name
        for peer in PEERS.values()
        if peer.configuration and not (bed.CONFIGURATIONS / peer.configuration).is_file()
    ] == []


def test_the_upstream_gives_the_answers_that_are_expected_of_it() -> None:
    text = (bed.CONFIGURATIONS / "upstream.conf").read_text()
    for path in (bed.SMALL, bed.CHAT):
        assert f"location = {path} {{ return 200 '{bed.ANSWER}'; }}" in text
    assert {path: len(body) for path, body in bed.answers().items()} == {bed.SMALL: 290, bed.BIG: 65536, bed.CHAT: 290}


def test_the_shipped_policy_is_measured_with_another_pace_and_nothing_else(tmp_path: Path) -> None:
    folder = Ai().served(bed.Bed(tmp_path))
    for copy in folder.rglob("*.policy"):
        shipped = bed.ROOT / "policies" / copy.relative_to(folder)
        assert copy.read_text().replace(Ai.pace[1], Ai.pace[0]) == shipped.read_text()
    assert (folder / "chat.policy").read_text() != (bed.ROOT / "policies" / "chat.policy").read_text()


@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if isinstance(peer, Headgate)])
def test_what_headgate_serves_there_checks(name: str, tmp_path: Path) -> None:
    peer = PEERS[name]
    assert isinstance(peer, Headgate)
    command = [sys.executable, "-m", "headgate", "check", str(peer.served(bed.Bed(tmp_path)))]
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == 0


def test_an_answer_is_right_if_it_is_the_upstreams_or_a_chat_with_its_words() -> None:
    assert probe.unlike(bed.BIG, bed.answers()[bed.BIG]) == ""
    assert "was answered with" in probe.unlike(bed.SMALL, b"{}")
    other = {**json.loads(bed.ANSWER), "id": "chatcmpl-other"}
    assert probe.unlike(bed.CHAT, json.dumps(other).encode()) == ""
    assert probe.unlike(bed.SMALL, json.dumps(other).encode()) != ""
    other["usage"]["completion_tokens"] = 4
    assert probe.unlike(bed.CHAT, json.dumps(other).encode()) != ""
    assert probe.unlike(bed.CHAT, b"<html>") != ""


def test_the_lock_files_name_every_version_and_no_place_but_the_usual_one() -> None:
    node = json.loads(installed.NODE_LOCK.read_text())["packages"]
    assert {entry.get("resolved", "https://registry.npmjs.org/").split("/")[2] for entry in node.values()} == {
        "registry.npmjs.org"
    }
    assert all("integrity" in entry for path, entry in node.items() if path)
    python = installed.PYTHON_LOCK.read_text()
    assert "--hash=sha256:" in python
    assert "://" not in python
    wanted = json.loads((bed.CONFIGURATIONS / "package.json").read_text())["dependencies"]
    assert node[""]["dependencies"] == wanted
