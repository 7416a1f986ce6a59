"""Runs every script in tests/wire/scripts: once over a socket, once over memory, one byte at a time.

A script is lines; `#` begins a comment. `{a*9000}` repeats; escapes are Python's.

    limits header_count=3      overrides limits
    > text                     sends the text and CRLF
    >| text                    sends the text alone
    eof                        closes the client's side
    < 400                      expects an answer with that status (`< 200 head` after a HEAD)
    header name: value         ... which has that header line; `header !name` has none of that name
    body text                  ... whose body holds the text; `body !text` does not
    refused 400 GET /          expects what the lane told its listener; `-` where nothing was readable
    closed                     expects that the connection closes with nothing more said
    open                       expects that it answers one more plain request
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio
import trio.testing

SCRIPTS = sorted((Path(__file__).parents[2] / "wire" / "scripts").glob("*.http"))
REPEAT = re.compile(r"\{(.+?)\*(\d+)\}")


def data(text):
    text = REPEAT.sub(lambda match: match[1] * int(match[2]), text)
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def read(path):
    steps = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            verb, _, rest = line.partition(" ")
            steps.append((verb, rest))
    return steps


class Run:
    def __init__(self, node, talk, bytewise):
        self.node, self.talk, self.bytewise = node, talk, bytewise
        self.last = None
        self.told = 0

    async def step(self, verb, rest):
        await getattr(self, VERBS[verb])(rest)

    async def say(self, rest, ending=b"\r\n"):
        said = data(rest) + ending
        # What is very long is long for its limit's sake; two thousand places to be cut at are enough.
        step = len(said) // 2000 + 1 if self.bytewise else len(said)
        pieces = [said[at : at + step] for at in range(0, len(said), step)]
        try:
            for piece in pieces:
                await self.talk.say(piece)
                if self.bytewise:
                    await trio.testing.wait_all_tasks_blocked()
        except trio.BrokenResourceError:
            assert self.bytewise  # Refused before all of it was said.

    async def say_bare(self, rest):
        await self.say(rest, b"")

    async def eof(self, rest):
        await self.talk.stream.send_eof()

    async def expect(self, rest):
        status, *flags = rest.split()
        self.last = await self.talk.answer(head_only="head" in flags)
        assert self.last.status == int(status), self.last
        if self.last.status >= 400:
            assert self.last.headers.get(b"content-type") == b"application/problem+json"
            assert "head" in flags or self.last.json()["status"] == self.last.status

    async def header(self, rest):
        if rest.startswith("!"):
            assert rest[1:].encode() not in self.last.headers
            return
        name, value = rest.split(": ", 1)
        assert self.last.headers.get(name.encode()) == value.encode(), self.last.headers

    async def body(self, rest):
        if rest.startswith("!"):
            assert rest[1:].encode() not in self.last.body, self.last
        else:
            assert rest.encode() in self.last.body, self.last

    async def refused(self, rest):
        refusal = self.node.refused[self.told]
        self.told += 1
        told = f"{refusal.status} {refusal.method or '-'} {refusal.target.decode('latin-1') if refusal.target else '-'}"
        assert told == rest

    async def closed(self, rest):
        assert await self.talk.closed() == b""
        assert self.told == len(self.node.refused), self.node.refused

    async def open(self, rest):
        await self.talk.say(b"GET /still-open HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await self.talk.answer()
        assert answer.status == 200
        assert answer.json()["path"] == "/still-open"


VERBS = {
    ">": "say",
    ">|": "say_bare",
    "eof": "eof",
    "<": "expect",
    "header": "header",
    "body": "body",
    "refused": "refused",
    "closed": "closed",
    "open": "open",
}


def limits_of(steps):
    pairs = [pair.split("=") for verb, rest in steps if verb == "limits" for pair in rest.split()]
    return {name: int(value) for name, value in pairs}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("bytewise", [False, True], ids=["socket", "bytewise"])
async def test_script(path, bytewise, lane):
    steps = read(path)
    async with lane(socket=not bytewise, **limits_of(steps)) as node:
        talk = node.memory() if bytewise else await node.connect()
        run = Run(node, talk, bytewise)
        with trio.fail_after(60):
            for verb, rest in steps:
                if verb != "limits":
                    await run.step(verb, rest)
        await talk.stream.aclose()


def test_there_are_scripts():
    assert len(SCRIPTS) >= 60
