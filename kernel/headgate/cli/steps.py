"""`headgate steps`: the vocabulary of the installed plugins."""

from __future__ import annotations

import sys

import click

from headgate.cli.errors import fail, report_broken
from headgate.cli.group import Work
from headgate.language.suggest import suggest
from headgate.language.vocabulary import StepSpec


@click.command()
@click.argument("name", required=False)
@click.pass_obj
def steps(work: Work, name: str | None) -> None:
    """List every step, or show the step NAME whole."""
    known = work.plugins.vocabulary.steps
    report_broken(work.plugins.broken)
    if name is None:
        width = max(map(len, known), default=0)
        for spec in sorted(known.values(), key=lambda spec: spec.name):
            click.echo(f"{spec.name:<{width}}  {first_line(spec.doc)}  [{spec.plugin}]")
        return
    if name not in known:
        guess = suggest(name, list(known))
        fail(f"there is no step `{name}`{f'; did you mean `{guess}`?' if guess else ''}", 1)
        sys.exit(1)
    click.echo(describe(known[name]))


def first_line(doc: str) -> str:
    return doc.strip().partition("\n")[0]


def describe(spec: StepSpec) -> str:
    """A step's signature as a policy writes it, its parameters, and its facts."""
    lines = [signature(spec), "", spec.doc.strip(), ""]
    params = [*([spec.unnamed] if spec.unnamed is not None else []), *spec.params]
    for param in params:
        tail = "required" if param.required else f"default {param.default!r}"
        const = ", known when the policy loads" if param.const else ""
        lines.append(f"    {param.name}: {param.type}  ({tail}{const})")
    for title, value in facts(spec):
        lines.append(f"  {title}: {value}")
    return "\n".join(lines)


def signature(spec: StepSpec) -> str:
    parts = [spec.name]
    if spec.unnamed is not None:
        parts.append(f"<{spec.unnamed.name}>" if spec.unnamed.required else f"[{spec.unnamed.name}]")
    parts += [f"{param.name}=" if param.required else f"[{param.name}=]" for param in spec.params]
    if spec.block is not None:
        parts.append("{ … }")
    if spec.returns is not None:
        parts.append(f"as <{spec.returns}>")
    return " ".join(parts)


def facts(spec: StepSpec) -> list[tuple[str, str]]:
    """What else there is to say, title by title."""
    rows = [
        ("gives", ", ".join(spec.gives)),
        ("needs", ", ".join(spec.needs)),
        ("raises", ", ".join(spec.raises)),
        ("effect", "" if spec.effect == "pure" else spec.effect),
        ("acts again", {"head": "when the head is decided", "close": "at the close"}.get(spec.after or "", "")),
        ("answers", "it is a hinge" if spec.hinge else ""),
        ("may be", ", ".join([*(["shadowed"] if spec.shadow else []), *(["optional"] if spec.observes else [])])),
        ("plugin", spec.plugin),
    ]
    return [(title, value) for title, value in rows if value]
