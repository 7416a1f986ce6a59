"""A program that goes to another process runs there as it does here."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from headgate.contracts.values import Secret
from headgate.errors import InternalError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.language.emit import Program
from headgate.language.parcel import pack, unpack
from headgate.pipeline.rehearsal import build_findings

ROOT = Path(__file__).resolve().parents[3]
SETS = [ROOT / "policies", *sorted((ROOT / "plugins").glob("*/example.policy"))]
PLUGINS = load_plugins()


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
    assert repr(out.pool.constants) == repr(program.pool.constants)
    assert out.pool.steps == program.pool.steps
    assert [site.site.key for site in out.pool.sites.values()] == [
        site.site.key for site in program.pool.sites.values()
    ]


def test_a_parcel_goes_to_a_process_with_plugins_of_its_own() -> None:
    program, sources = program_of(ROOT / "policies")
    others = load_plugins()
    out, _ = unpack(pack(program, sources), others.vocabulary)
    assert out.checked.vocabulary is others.vocabulary
    assert all(spec is others.vocabulary.steps[spec.name] for spec in out.pool.steps.values())
    assert build_findings(out) == []


def test_secrets_travel_in_a_parcel_and_in_nothing_else() -> None:
    program, sources = program_of(ROOT / "policies")
    program.pool.constants["k0"] = Secret("A_TOKEN", "s3cret")
    out, _ = unpack(pack(program, sources), PLUGINS.vocabulary)
    assert out.pool.constants["k0"].reveal() == "s3cret"
    with pytest.raises(TypeError):
        pickle.dumps(program.pool.constants["k0"])


def test_a_value_that_cannot_travel_is_named() -> None:
    program, sources = program_of(ROOT / "policies")
    program.pool.constants["k0"] = lambda: None
    with pytest.raises(InternalError, match="cannot be handed to the workers"):
        pack(program, sources)
