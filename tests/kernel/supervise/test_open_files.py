"""A node takes as many files as it is allowed to."""

from __future__ import annotations

import logging
import resource
from pathlib import Path

import pytest
from live_node import live_node

from headgate.supervise.files import check_open_files, raise_open_files

POLICY = """policy 1
route hello GET /hello { respond 200 text="hello" }
"""


def test_the_soft_limit_becomes_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, was[1]))
    try:
        assert raise_open_files() == (None if was[1] == resource.RLIM_INFINITY else was[1])
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (was[1], was[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, was)


def test_a_limit_that_cannot_be_raised_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", refused)
    assert raise_open_files() == 100


def test_too_few_files_for_the_connections_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_open_files(10_000, 20_000)
        check_open_files(10_000, None)
        assert not caplog.records
        check_open_files(10_000, 10_000)
    assert "`limits.connections`" in caplog.text


def test_a_node_and_its_workers_have_the_hard_limit(tmp_path: Path) -> None:
    policies = tmp_path / "p.policy"
    policies.write_text(POLICY)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        with live_node(policies, tmp_path, "--workers", "1") as node:
            limits = Path(f"/proc/{node.process.pid}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (line,) = (one for one in limits.splitlines() if one.startswith("Max open files"))
    soft_then, hard_then = line.split()[3:5]
    assert soft_then == hard_then
