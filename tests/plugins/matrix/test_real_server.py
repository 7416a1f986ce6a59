"""A real inference server behind the gateway, that nobody here wrote: `llama-cpp-python`'s, with a tiny model of random weights.

Its own answer to the same question, without a gateway, is what every client is to hear. It takes minutes to compile, so it
is no part of `make test`: `make soak` builds it, into an environment of its own.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from live_node import ROOT
from matrix.asks import Ask, User
from matrix.clients import CLIENTS
from matrix.house import House, house, one_model

from headgate.testing.upstreams import closed_port

pytestmark = pytest.mark.slow

PYTHON = Path(os.environ.get("HEADGATE_LLAMA_PYTHON", ROOT / ".venv-llama" / "bin" / "python"))
START_S = 60.0
WORDS = 12
ASK = Ask((User("Say something, please."),), system="Be brief.", temperature=0.0, max_tokens=WORDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    if not PYTHON.exists():
        pytest.skip(f"there is no llama-cpp-python: `make soak` builds it ({PYTHON} is not there)")
    folder = tmp_path_factory.mktemp("llama")
    model, log, port = folder / "tiny.gguf", folder / "log", closed_port()
    subprocess.run([PYTHON, ROOT / "tests" / "support" / "tiny_model.py", model], check=True)
    command = [PYTHON, "-m", "llama_cpp.server", "--model", model, "--port", str(port), "--chat_format", "chatml"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--n_ctx", "1024", "--model_alias", "tiny"], stdout=out, stderr=out)
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server never answered:\n{log.read_text()}")


@pytest.fixture(scope="module")
def node(server: str) -> Iterator[House]:
    with house(
        lambda sims: one_model(f'model smart {{ provider = llamacpp, name = "tiny", url = "{server}" }}')
    ) as one:
        yield one


@pytest.fixture(scope="module")
def own(server: str) -> Any:
    """What the server says itself."""
    messages = [{"role": "system", "content": ASK.system}, {"role": "user", "content": "Say something, please."}]
    body = {"model": "tiny", "messages": messages, "max_tokens": WORDS, "temperature": 0.0}
    answer = httpx.post(f"{server}/chat/completions", json=body, timeout=60).json()
    assert answer["usage"]["completion_tokens"] == WORDS
    return answer


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_hears_what_the_server_says(node: House, own: Any, client: str, way: str) -> None:
    before = len(node.gate.rows)
    program = node.client(client, "/mistral" if CLIENTS[client].dialect == "mistral" else "")
    heard = getattr(program, way)(ASK)
    [choice] = own["choices"]
    assert heard.text == choice["message"]["content"]
    assert choice["finish_reason"] == "length"
    assert heard.stop == program.stops["length"]
    node.wait(lambda: len(node.gate.rows) > before)
    row = node.gate.rows[-1]
    assert row["outcome"] == "ok"
    # Its streams count nothing.
    assert row["estimated"] == (way == "stream")
    if way == "whole":
        assert (heard.input, heard.output) == (own["usage"]["prompt_tokens"], WORDS)
        assert (row["input_tokens"], row["output_tokens"]) == (own["usage"]["prompt_tokens"], WORDS)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_hangs_up_leaves_the_server_free_for_the_next(node: House, own: Any, client: str) -> None:
    program = node.client(client, "/mistral" if CLIENTS[client].dialect == "mistral" else "")
    events = program.events(Ask((User("Say much."),), max_tokens=900))
    next(events)
    events.close()
    assert program.whole(ASK).text == own["choices"][0]["message"]["content"]
