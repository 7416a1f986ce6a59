"""A simulator from a shell."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

from headgate.testing.upstreams import closed_port


def test_a_provider_is_simulated_on_a_port_until_it_is_stopped() -> None:
    port = closed_port()
    command = [sys.executable, "-u", "-m", "headgate.testing.providers", "openai", "--port", str(port), "--says", "Hi!"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert (
                process.stdout.readline()
                == f"OpenAI is simulated on http://127.0.0.1:{port}: give a model this `url`\n"
            )
            body = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}).encode()
            headers = {"content-type": "application/json", "authorization": "Bearer sk-any"}
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
                assert json.load(answer)["choices"][0]["message"]["content"] == "Hi!"
            assert process.stdout.readline() == "POST /v1/chat/completions\n"
        finally:
            process.kill()
