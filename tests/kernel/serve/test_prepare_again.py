"""What is compiled and tested again when a set of policies is prepared again."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.host.settings import Settings
from headgate.language.emit import Program
from headgate.language.remembered import Remembered
from headgate.serve import prepare

PLUGINS = load_plugins()
SHARED = 'policy 1\n\nfragment mark() {\n    set response.header["x-mark"] = "one"\n}\n'
USES = (
    'policy 1\n\nimport "shared.policy" as shared\n\nupstream u {\n    url = "echo:"\n}\n\nroute a GET /a public {\n'
    '    forward u\n    use shared.mark()\n}\n\ntest "a" {\n    send GET /a\n    expect response.header["x-mark"] == "one"\n}\n'
)
ALONE = (
    'policy 1\n\nroute b GET /b public {\n    respond 200 text="b"\n}\n\ntest "b" {\n    send GET /b\n'
    "    expect status == 200\n}\n"
)


class Bed:
    """A folder of three files, prepared as often as wanted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.remembered = Remembered()
        self.tested: list[list[str]] = []
        for name, text in (("shared", SHARED), ("a", USES), ("b", ALONE)):
            self.write(name, text)
        from headgate import serve

        real = serve.run_tests

        def run_tests(settings: Settings, plugins: object, program: Program, scenarios: list) -> list:
            self.tested.append([one.test.name for one in scenarios])
            return real(settings, plugins, program, scenarios)

        monkeypatch.setattr(serve, "run_tests", run_tests)

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.policy").write_text(text, encoding="utf-8")

    def prepare(self) -> dict[str, Program]:
        return prepare(Settings(policies=str(self.folder)), PLUGINS, self.remembered).program.parts


@pytest.fixture
def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(tmp_path, monkeypatch)


def test_nothing_that_is_the_same_is_compiled_or_tested_again(bed: Bed) -> None:
    first = bed.prepare()
    second = bed.prepare()
    assert all(second[name] is part for name, part in first.items())
    assert bed.tested == [["a", "b"], []]
    assert repr(bed.remembered) == "<Remembered 3 files, 3 compiled, 3 tested>"


def test_who_imports_what_has_changed_is_compiled_and_tested_again(bed: Bed) -> None:
    first = bed.prepare()
    bed.write("shared", SHARED + "\n")
    second = bed.prepare()
    assert {name: second[name] is part for name, part in first.items()} == {
        "a.policy": False, "b.policy": True, "shared.policy": False,
    }  # fmt: skip
    assert bed.tested[1] == ["a"]


def test_a_test_that_fails_because_of_another_file_is_found_and_run_until_it_passes(bed: Bed) -> None:
    bed.prepare()
    bed.write("shared", SHARED.replace("one", "two"))
    for _ in range(2):
        with pytest.raises(PolicyError) as failed:
            bed.prepare()
        assert [one.code for one in failed.value.diagnostics] == ["E710"]
    bed.write("shared", SHARED)
    bed.prepare()
    assert bed.tested[1:] == [["a"], ["a"], ["a"]]


def test_two_files_that_do_not_import_one_another_are_still_checked_together(bed: Bed) -> None:
    bed.prepare()
    bed.write("c", ALONE.replace("route b", "route c").replace('test "b"', 'test "c"'))
    with pytest.raises(PolicyError) as clash:
        bed.prepare()
    assert "E402" in {one.code for one in clash.value.diagnostics}


def test_a_file_that_is_gone_is_forgotten(bed: Bed) -> None:
    bed.prepare()
    (bed.folder / "b.policy").unlink()
    assert set(bed.prepare()) == {"a.policy", "shared.policy"}
    assert set(bed.remembered.parsed) == {"a.policy", "shared.policy"}
