"""One question to each gateway before it is measured: its answers are the upstream's, or there is nothing to measure."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.bench.bed import CHAT, QUESTION, answers


def probe(url: str, path: str, headers: Mapping[str, str]) -> str:
    """What is wrong with the answer; "" if nothing is."""
    body = QUESTION.encode() if path == CHAT else None
    asked = urllib.request.Request(url + path, body, {**headers, "content-type": "application/json"})
    unchecked = ssl._create_unverified_context()  # noqa: S323 - the certificate is the bed's own
    try:
        with urllib.request.urlopen(asked, timeout=60, context=unchecked) as answer:
            return unlike(path, answer.read())
    except urllib.error.HTTPError as error:
        return f"{url}{path}: {error}: {error.read()[:500]!r}"
    except OSError as error:
        return f"{url}{path}: {error}"


def unlike(path: str, body: bytes) -> str:
    """Where an answer is not the upstream's. A gateway for chats may write it anew, so there its words count."""
    expected = answers()[path]
    same = body == expected or (path == CHAT and _words(body) == _words(expected))
    return "" if same else f"{path} was answered with {body[:200]!r}"


def _words(body: bytes) -> tuple[Any, Any, Any]:
    try:
        chat = json.loads(body)
        usage = chat["usage"]
        return chat["choices"][0]["message"]["content"], usage["prompt_tokens"], usage["completion_tokens"]
    except (ValueError, KeyError, IndexError, TypeError):
        return None, None, body
