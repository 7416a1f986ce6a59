"""Policies made at random that check: every path answers once, every name is bound, every type fits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

KINDS = ("t.one", "t.two", "u.one")


@dataclass(frozen=True)
class Here:
    """What a line may use."""

    texts: tuple[str, ...] = ()
    ints: tuple[str, ...] = ()
    depth: int = 0
    below: bool = False
    fragments: tuple[str, ...] = ()
    taken: list[int] = field(default_factory=lambda: [0])

    def fresh(self) -> str:
        self.taken[0] += 1
        return f"v{self.taken[0]}"

    def deeper(self) -> Here:
        return replace(self, depth=self.depth + 1)


def indent(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def texts(draw: st.DrawFn, here: Here) -> str:
    """An expression of type text."""
    places = [
        'request.query["a"] ?? "q"',
        'request.header["x-mode"] ?? "m"',
        'request.cookie["c"] ?? "c"',
        "request.path",
    ]
    simple = st.sampled_from(['"a"', '"b"', '""', "'raw{'", *places, *here.texts])
    if draw(st.booleans()):
        return draw(simple)
    number = draw(ints(here))
    return draw(
        st.sampled_from(
            [
                f'"<{{{number}}}>"',
                f'lower("{{{number}}}X")',
                f'"{{250ms}} {{{number} > 1}} {{95%}}"',
                'trim(" t ")',
                f'"{{{draw(simple)}}}-{{{draw(simple)}}}"',
            ]
        )
    )


@st.composite
def ints(draw: st.DrawFn, here: Here) -> str:
    simple = st.sampled_from(["0", "1", "7", "-3", *here.ints])
    left, right = draw(simple), draw(simple)
    return draw(st.sampled_from([left, f"({left} + {right})", f"({left} * 2 - {right})", f"({left} % 5)"]))


@st.composite
def conditions(draw: st.DrawFn, here: Here, depth: int = 0) -> str:
    """An expression of type bool."""
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        word = draw(st.sampled_from(["and", "or"]))
        left, right = draw(conditions(here, depth + 1)), draw(conditions(here, depth + 1))
        return f"({left} {word} {right})"
    return draw(
        st.sampled_from(
            [
                'request.query["a"] is present',
                'request.query["flag"] == "on"',
                'request.header["x-mode"] is absent',
                f"{draw(texts(here))} == {draw(texts(here))}",
                f"{draw(ints(here))} < {draw(ints(here))}",
                f"{draw(ints(here))} in [0, 1, {draw(ints(here))}]",
                f"not ({draw(ints(here))} >= 3)",
                'client.ip in ["10.0.0.0/8"]',
                "request.path matches '/[a-z]+'",
                f'contains({draw(texts(here))}, "a")',
                'request.query["a"] == request.query["zzz"]',
                "true",
                "false",
            ]
        )
    )


@st.composite
def plain_line(draw: st.DrawFn, here: Here) -> list[str]:
    """A line that does not answer."""
    value = draw(texts(here))
    choices = [
        [f"t.note {value}"],
        [f"t.note {draw(ints(here))} also=[{value}, {draw(ints(here))}]"],
        [f"t.later {value}"],
        [f"shadow t.later {value}"],
        [f'shadow t.fail "{draw(st.sampled_from(KINDS))}" when={draw(conditions(here))}'],
        [f'optional t.fail "t.two" when={draw(conditions(here))}'],
        [f'set request.header["x-new"] = {value}'],
        ['set request.header["x-one"] = request.query["zzz"]'],
        ['remove request.query["a"]'],
        [f'set request.query["b"] = {value}'],
        [f'set request.path = "/p/{{{value}}}/e"'],
    ]
    if here.below:
        choices += [
            [f'set response.header["x-b"] = {value}'],
            ['remove response.header["x-from"]'],
            ["set response.status = 206"],
        ]
    else:
        choices += [
            [f'require {draw(conditions(here))} else {draw(st.sampled_from([400, 403, 409]))} "no {{{value}}}"'],
            [f"if {draw(conditions(here))} {{ respond 203 text={value} }}"],
        ]
    return draw(st.sampled_from(choices))


@st.composite
def lines(draw: st.DrawFn, here: Here, most: int = 4) -> tuple[list[str], Here]:
    """Some lines that do not answer, and what holds behind them."""
    out: list[str] = []
    for _ in range(draw(st.integers(0, most))):
        made, here = draw(line(here))
        out += made
    return out, here


@st.composite
def line(draw: st.DrawFn, here: Here) -> tuple[list[str], Here]:
    shape = draw(st.integers(0, 11)) if here.depth < 3 else 0
    name = here.fresh()
    inner = here.deeper()
    if shape <= 3:
        return draw(plain_line(here)), here
    if shape == 4:
        return [f"let {name} = {draw(texts(here))}"], replace(here, texts=(*here.texts, name))
    if shape == 5:
        return [f"t.text {draw(texts(here))} as {name}"], replace(here, texts=(*here.texts, name))
    if shape == 6:
        then, _ = draw(lines(inner, 2))
        other, _ = draw(lines(inner, 2))
        middle = ["} else {", *indent(other)] if draw(st.booleans()) else []
        return [f"if {draw(conditions(here))} {{", *indent(then), *middle, "}"], here
    if shape == 7:
        then, _ = draw(lines(inner, 2))
        other, _ = draw(lines(inner, 2))
        cases = ['"a", "b" {', *indent(then), "}", "else {", *indent(other), "}"]
        return [f"match {draw(texts(here))} {{", *indent(cases), "}"], here
    if shape == 8:
        return draw(block(here, name))
    if shape == 9:
        failing = [f't.fail "{draw(st.sampled_from(KINDS))}" when={draw(conditions(here))}']
        return [f"t.again {draw(st.integers(1, 3))} {{", *indent([*failing, *draw(lines(inner, 2))[0]]), "}"], here
    if shape == 10 and here.fragments and not here.below:
        fragment = draw(st.sampled_from(here.fragments))
        return [f"use {fragment}(word={draw(texts(here))}) as {name}"], replace(here, texts=(*here.texts, name))
    share = [f"{p} {{ t.note {draw(texts(inner))} }}" for p in ("60%", "40%")]
    return [f"t.share by=length({draw(texts(here))}) {{", *indent(share), "}"], here


@st.composite
def block(draw: st.DrawFn, here: Here, name: str) -> tuple[list[str], Here]:
    """A block that hands out a text, with or without handlers and closers of its own."""
    body, inside = draw(lines(here.deeper(), 3))
    if draw(st.booleans()):
        body.append(f"if {draw(conditions(inside))} {{ give {draw(texts(inside))} }}")
    if draw(st.booleans()):
        body.append(f't.fail "{draw(st.sampled_from(KINDS))}" when={draw(conditions(inside))}')
    body.append(f"t.text {draw(texts(inside))}")
    pattern = draw(st.sampled_from(["t.one", "t.*", "u.one", "t.two, u.*"]))
    if draw(st.booleans()):
        body.append(f"on {pattern} {{ give {draw(texts(here))} }}")
    if draw(st.booleans()):
        body.append(f"finally {{ t.note {draw(st.sampled_from(['1', 'outcome', 'usage.input_tokens']))} }}")
    return ["t.once {", *indent(body), f"}} as {name}", f"if {name} is present {{ t.note {name} }}"], here


@st.composite
def answer(draw: st.DrawFn, here: Here) -> list[str]:
    """Lines that answer on every path."""
    shape = draw(st.integers(0, 5)) if here.depth < 3 else draw(st.integers(0, 1))
    inner = here.deeper()
    if shape == 0:
        return [
            draw(
                st.sampled_from(
                    [
                        f"respond 200 text={draw(texts(here))}",
                        f"respond 201 json={{a: {draw(ints(here))}, b: [{draw(texts(here))}]}}",
                        f"respond 422 error={draw(texts(here))} retry_after=2s",
                        'redirect "/to/{request.path}" status=307',
                    ]
                )
            )
        ]
    if shape == 1:
        return [
            f"t.answer {draw(st.sampled_from([200, 404, 503]))} body={draw(texts(here))}",
            *draw(lines(replace(here, below=True), 2))[0],
        ]
    if shape == 2:
        then, other = draw(answer(inner)), draw(answer(inner))
        return [f"if {draw(conditions(here))} {{", *indent(then), "} else {", *indent(other), "}"]
    if shape == 3:
        before, inside = draw(lines(inner, 2))
        return ["t.once {", *indent([*before, *draw(answer(inside))]), "}"]
    if shape == 4:
        failing = f't.fail "{draw(st.sampled_from(KINDS))}" when={draw(conditions(here))}'
        arms = [["{", *indent([failing, *draw(answer(inner))]), "}"], ["{", *indent(draw(answer(inner))), "}"]]
        return ["t.first {", *indent([line for arm in arms for line in arm]), "}"]
    failing = f't.fail "{draw(st.sampled_from(KINDS))}" when={draw(conditions(here))}'
    return [failing, *draw(answer(inner))]


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A whole file: maybe a fragment, and the route `main`."""
    taken = [0]
    out = ["policy 1", ""]
    fragments: tuple[str, ...] = ()
    if draw(st.booleans()):
        body, inside = draw(lines(Here(texts=("word",), depth=1, taken=taken), 3))
        out += ["fragment some(word: text) {", *indent([*body, f"give {draw(texts(inside))}"]), "}", ""]
        fragments = ("some",)
    body, here = draw(lines(Here(fragments=fragments, taken=taken), 5))
    body += draw(answer(here))
    if draw(st.booleans()):
        does = draw(st.sampled_from(["respond 418 text=err.kind", "t.answer 200", "t.note 1", 't.fail "t.two"']))
        body.append(f"on {draw(st.sampled_from(['t.one', 't.*', 'u.*']))} {{ {does} }}")
    if draw(st.booleans()):
        body.append("finally { t.note outcome }")
    return "\n".join([*out, "route main GET / public {", *indent(body), "}", ""])
