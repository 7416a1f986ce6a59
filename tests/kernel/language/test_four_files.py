"""The four files of the language run whole: what no installed plugin has yet is stood in for, and nothing else is."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import pytest

from headgate.api import (
    Exchange,
    Json,
    Money,
    Rate,
    ResourceContext,
    Run,
    Text,
    TypeRef,
    Usage,
    Word,
    block,
    hookimpl,
    resource,
    step,
)
from headgate.host.plugins import Plugins, load_plugins
from headgate.host.settings import Settings
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate.language.render import render
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins

FOUR = Path(__file__).parents[2] / "language" / "four"


class Prompt:
    resource_kind = "prompt"

    def __init__(self, system: str, user: str) -> None:
        self.system = system
        self.user = user


class Model:
    resource_kind = "model"


@resource("prompt", takes_params=True)
def prompt(ctx: ResourceContext, *, user: Text, system: Text = "") -> Prompt:
    """What a model is asked."""
    return Prompt(system, user)


@step("ai.prompt", effect="upstream", raises=("upstream.*", "ai.bad_output"), returns_type_of="output")
async def ai_prompt(
    ctx: Exchange, prompt: Prompt, /, *, model: Model | list[Model], output: TypeRef | None = None, repair: int = 0
) -> str:
    """Judge by the first word."""
    ctx.node.state.setdefault("prompts", []).append((prompt.system, prompt.user))
    ctx.usage = Usage(input_tokens=9, cost=Money(90))
    label = "positive" if "good" in prompt.user else "negative"
    assert output is not None
    return output.decode({"label": label, "score": 0.5, "why": prompt.user})  # type: ignore[return-value]


@block("budget", raises=("budget.exhausted", "budget.unbounded"))
async def budget(ctx: Exchange, run: Run, amount: Money, /, *, per: Literal["day", "month"], by: Json) -> Any:
    """Count nothing."""
    return await run()


@step("limit.tokens", raises=("limit.exceeded",))
def limit_tokens(ctx: Exchange, rate: Rate, /, *, by: Text) -> None:
    """Limit nothing."""


@step("pii.redact")
def redact(ctx: Exchange, of: Any, /, *, kinds: list[Word], restore: bool = False) -> None:
    """Redact nothing."""


class StandIns:
    """Those of the above that no installed plugin has."""

    @hookimpl
    def register_steps(self) -> list[Any]:
        steps = load_plugins().vocabulary.steps
        named = {"ai.prompt": ai_prompt, "budget": budget, "limit.tokens": limit_tokens, "pii.redact": redact}
        return [call for name, call in named.items() if name not in steps]

    @hookimpl
    def register_resources(self) -> list[Any]:
        return [] if "prompt" in load_plugins().vocabulary.resources else [prompt]


@functools.cache
def plugins() -> Plugins:
    return load_plugins([("stand-ins", StandIns)])


def outcomes(name: str, more: str = "") -> list[str | None]:
    files = {path.relative_to(FOUR).as_posix(): path.read_text(encoding="utf-8") for path in FOUR.rglob("*.policy")}
    files[name] += more
    loaded = load([name], files.get)
    checked = check(loaded, plugins().vocabulary)
    assert checked.findings == [], render(checked.findings, loaded.sources)
    shapes = plugins().settings_shapes()
    settings = Settings(plugins={name: shape() for name, shape in shapes.items()})
    done = rehearse_in_thread(compile_program(checked), functools.partial(opened_by_plugins, settings, plugins()))
    return [one.finding and render([one.finding], loaded.sources) for one in done]


@pytest.mark.parametrize(("name", "tests"), [("orders.policy", 4), ("shared/edge.policy", 1)])
def test_a_file_passes_its_own_tests(name: str, tests: int):
    assert outcomes(name) == [None] * tests


def test_the_chat_compiles():
    files = {path.relative_to(FOUR).as_posix(): path.read_text(encoding="utf-8") for path in FOUR.rglob("*.policy")}
    checked = check(load(["chat.policy"], files.get), plugins().vocabulary)
    assert not checked.errors or {finding.code for finding in checked.errors} == {"E802"}
    compile_program(checked)


SENTIMENT = """
test "a mood is judged, and judged once" {
    given auth.key = {team: "search", id: "k_1"}
    given ai.prompt = {label: "positive", score: 0.93, why: "so"}
    send POST /sentiment json={text: "good"}
    expect status == 200
    expect response.json.label == "positive"
    given ai.prompt = fail("ai.bad_output")
    send POST /sentiment json={text: "good"}
    expect response.json.why == "so"
    send POST /sentiment json={text: "good", language: "en"}
    expect status == 502
}

test "what is no message is told what is wrong, field by field" {
    given auth.key = {team: "search", id: "k_1"}
    send POST /sentiment json={text: "", mood: 1}
    expect status == 400
    expect response.json.errors[0].pointer == "#/text"
    expect response.json.errors[1].detail == "is no field of Message"
}
"""


def test_the_sentiment_is_typed_cached_and_refused_field_by_field():
    assert outcomes("sentiment.policy", SENTIMENT) == [None] * 3
