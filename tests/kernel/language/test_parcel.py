"""A program that goes to another process runs there as it does here."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import CodeType

import pytest

from headgate.contracts.values import Secret
from headgate.errors import InternalError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.language.emit import Program
from headgate.language.parcel import Packer, Unpacker
from headgate.language.remembered import Remembered
from headgate.language.vocabulary import Vocabulary
from headgate.pipeline.rehearsal import build_findings

ROOT = Path(__file__).resolve().parents[3]
SETS = [ROOT / "policies", *sorted((ROOT / "plugins").glob("*/example.policy"))]
PLUGINS = load_plugins()


def pack(program: Program, sources: dict) -> bytes:
    return Packer(program.checked.vocabulary).pack(program, sources)


def unpack(parcel: bytes, vocabulary: Vocabulary) -> tuple[Program, dict]:
    return Unpacker(vocabulary).unpack(parcel)


def program_of(path: Path) -> tuple[Program, dict]:
    reading = read_policies(path, PLUGINS.vocabulary)
    return compile_policies(reading), reading.sources


@pytest.mark.parametrize("path", SETS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_comes_out_of_a_parcel_is_what_went_in(path: Path) -> None:
    program, sources = program_of(path)
    out, texts = unpack(pack(program, sources), PLUGINS.vocabulary)
    assert build_findings(out) == build_findings(program) == []
    assert texts == sources
    assert out.code == program.code
    assert [(route.run, route.route.name, route.route.path.raw) for route in out.routes] == [
        (route.run, route.route.name, route.route.path.raw) for route in program.routes
    ]
    assert shown(out) == shown(program)
    assert out.pool.steps == program.pool.steps
    assert [site.site.key for site in out.pool.sites.values()] == [
        site.site.key for site in program.pool.sites.values()
    ]


def shown(program: Program) -> dict[str, tuple[str, list[str]]]:
    """The constants, as far as they show; in whatever order a set has its members."""
    return {name: (type(value).__name__, sorted(repr(value))) for name, value in program.pool.constants.items()}


def test_a_parcel_goes_to_a_process_with_plugins_of_its_own() -> None:
    program, sources = program_of(ROOT / "policies")
    others = load_plugins()
    out, _ = unpack(pack(program, sources), others.vocabulary)
    assert out.checked.vocabulary is others.vocabulary
    assert all(spec is others.vocabulary.steps[spec.name] for spec in out.pool.steps.values())
    assert build_findings(out) == []


def test_secrets_travel_in_a_parcel_and_in_nothing_else() -> None:
    program, sources = program_of(ROOT / "policies")
    part = next(iter(program.parts.values()))
    part.pool.constants["k0"] = Secret("A_TOKEN", "s3cret")
    out, _ = unpack(pack(program, sources), PLUGINS.vocabulary)
    assert out.pool.constants["k0"].reveal() == "s3cret"
    with pytest.raises(TypeError):
        pickle.dumps(part.pool.constants["k0"])


def test_a_value_that_cannot_travel_is_named() -> None:
    program, sources = program_of(ROOT / "policies")
    next(iter(program.parts.values())).pool.constants["k0"] = lambda: None
    with pytest.raises(InternalError, match="cannot be handed to the workers"):
        pack(program, sources)


def test_of_a_set_that_has_changed_only_the_changed_piece_is_made_and_opened_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        route = f'route {name} GET /{name} public {{\n    respond 200 text="one"\n}}\n'
        (tmp_path / f"{name}.policy").write_text(f"policy 1\n\n{route}", encoding="utf-8")
    remembered, packer, unpacker = Remembered(), Packer(PLUGINS.vocabulary), Unpacker(PLUGINS.vocabulary)

    def turn() -> tuple[Program, Program]:
        reading = read_policies(tmp_path, PLUGINS.vocabulary, remembered)
        program = compile_policies(reading, remembered)
        out, _ = unpacker.unpack(packer.pack(program, reading.sources))
        return program, out

    first, there = turn()
    file = tmp_path / "b.policy"
    file.write_text(file.read_text("utf-8").replace("one", "two"), encoding="utf-8")
    second, then = turn()
    assert second.parts["a.policy"] is first.parts["a.policy"]
    assert then.parts["a.policy"] is there.parts["a.policy"]
    assert second.parts["b.policy"] is not first.parts["b.policy"]
    assert constants(then) != constants(there)
    assert build_findings(then) == []
    assert len(then.routes) == 2


def constants(program: Program) -> str:
    """What the code of `b.policy` has in it."""
    part = program.parts["b.policy"]
    return repr((part.pool.constants, [code.co_consts for code in nested(part.code["b.policy"])]))


def nested(code: CodeType) -> list[CodeType]:
    return [code, *(inner for one in code.co_consts if isinstance(one, CodeType) for inner in nested(one))]
