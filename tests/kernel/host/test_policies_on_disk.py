"""Which files are policies, and which are not read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from headgate.cli import main
from headgate.errors import SettingsError
from headgate.host.plugins import load_plugins
from headgate.host.policies import policy_files, read_policies, stamps

FINE = "policy 1\n\nroute fine GET /fine public {\n    respond 200\n}\n"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{file}.policy").write_text(text, encoding="utf-8")
    return folder


def errors(folder: Path) -> list[str]:
    checked = read_policies(folder, load_plugins(discover=False).vocabulary).checked
    return [f"{finding.code} {finding.message}" for finding in checked.errors]


def test_a_mounted_configmap_is_read_once(tmp_path: Path) -> None:
    real = tmp_path / "..2026_11_23"
    real.mkdir()
    (real / "a.policy").write_text(FINE, encoding="utf-8")
    (tmp_path / "..data").symlink_to(real.name)
    (tmp_path / "a.policy").symlink_to("..data/a.policy")
    assert policy_files(tmp_path) == ["a.policy"]
    assert errors(tmp_path) == []
    before = stamps(tmp_path)
    (real / "a.policy").write_text(FINE.replace("200", "201") + "\n", encoding="utf-8")
    assert stamps(tmp_path) != before


def test_an_editors_copy_is_no_policy(tmp_path: Path) -> None:
    written(tmp_path, a=FINE)
    (tmp_path / ".#a.policy").write_text("not a policy", encoding="utf-8")
    assert policy_files(tmp_path) == ["a.policy"]


@pytest.mark.parametrize("path", ["../outside.policy", "/etc/hostname", "sub/../../outside.policy"])
def test_an_import_stays_inside_the_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.policy").write_text("policy 1\n\nsecret words\n", encoding="utf-8")
    inside = written(tmp_path / "in", a=f'policy 1\n\nimport "{path}" as o\n\n' + FINE.partition("\n\n")[2])
    assert errors(inside) == [f"E601 the file '{path}' is outside the folder of the policies"]


def test_a_link_that_leads_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("policy 1\n\nsecret words\n", encoding="utf-8")
    inside = written(tmp_path / "in", a=FINE)
    os.symlink(tmp_path / "outside", inside / "link.policy")
    assert errors(inside) == ["E001 the file is a link that leads out of the folder of the policies"]


def test_a_link_that_leads_nowhere_is_a_finding_and_not_a_route_less(tmp_path: Path) -> None:
    inside = written(tmp_path, a=FINE)
    os.symlink(tmp_path / "gone.policy", inside / "b.policy")
    assert errors(inside) == [f"E001 the file is a link to {tmp_path / 'gone.policy'}, which is not there"]


def test_a_file_that_may_not_be_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = written(tmp_path, a=FINE, b=FINE.replace("fine", "finer"))
    whole = Path.read_bytes

    def read_bytes(self: Path) -> bytes:  # root may read everything, whatever its mode says
        if self.name == "b.policy":
            raise PermissionError(13, "Permission denied", str(self))
        return whole(self)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert errors(inside) == ["E001 the file cannot be read: Permission denied"]


def test_a_folder_that_may_not_be_looked_into_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = written(tmp_path, a=FINE, sub__b=FINE.replace("fine", "finer"))
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SettingsError, match="sub cannot be looked into: Permission denied"):
        policy_files(inside)


def test_a_file_that_is_not_utf8_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_bytes(b"policy 1\n\n# caf\xe9\n")
    assert [error.partition(":")[0] for error in errors(tmp_path)] == ["E001 the file is not UTF-8"]


@pytest.mark.parametrize("url", ["127.0.0.1:8310", "htp://a", "", "https://", "http://host:99999"])
def test_what_serve_would_refuse_check_refuses(tmp_path: Path, url: str) -> None:
    text = f'policy 1\n\nupstream svc {{ url = "{url}" }}\n\nroute r GET / public {{\n    forward svc\n}}\n'
    done = CliRunner().invoke(main, ["check", str(written(tmp_path, a=text))])
    assert done.exit_code == 1
    assert done.output.count("error[E802]") == 1
