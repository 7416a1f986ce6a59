"""When a limited key is let in again, in the words of each provider; and what is hidden in what they say."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from headgate.api import Headers, Secret
from headgate_ai.hiding import pattern_of, without
from headgate_ai.keys import Pool
from headgate_ai.resets import wait_of

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize(
    ("lines", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "6500"}, 6.5),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:40 GMT"}, 40.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "9",
          "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}, 360.0),
        ({"x-ratelimit-reset-requests": "120ms", "x-ratelimit-reset-tokens": "7.66s"}, 0.12),
        ({"anthropic-ratelimit-requests-reset": "2027-01-15T08:00:09Z", "anthropic-ratelimit-requests-remaining": "3",
          "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:33Z",
          "anthropic-ratelimit-input-tokens-remaining": "0"}, 33.0),
        ({"x-ratelimit-reset": "1800000060000", "x-ratelimit-remaining": "0"}, 60.0),
        ({"x-ratelimit-reset": "1800000060"}, 60.0),
        ({"x-ratelimit-reset-requests": "1e9h"}, None),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_the_words_of_each_provider(lines: dict[str, str], wait: float | None) -> None:
    headers = Headers([(name.encode(), value.encode()) for name, value in lines.items()])
    assert wait_of(headers, NOW) == (None if wait is None else pytest.approx(wait, abs=1e-6))


SECRET = 'sk-ant/a+b=c~"d\\e f-0123456789'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f"),
        json.dumps(SECRET),
        json.dumps(SECRET).replace("/", "\\/"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(f":{SECRET}".encode()).decode(),
        base64.b64encode(f"user:{SECRET}:more".encode()).decode(),
        base64.b64encode(f"ab{SECRET}".encode()).decode(),
    ],
)
def test_a_key_is_hidden_in_whatever_form_it_comes_back(form: str) -> None:
    hidden = pattern_of([SECRET])
    said = without(hidden, {"code": f"no {form}", "more": [{form: 3}, f"{form}".encode()]})
    for text in (said["code"], str(said["more"])):
        assert "…" in text or "\\xe2\\x80\\xa6" in text
    left = without(hidden, f"<{form}>").strip('<>"')
    assert len(left.replace("…", "")) < 18, left


def test_each_part_of_a_secret_is_hidden() -> None:
    account = json.dumps({"client_email": "someone@project.iam", "private_key": "-----BEGIN\nMIIEvQIBADANBg\n-----END"})
    pool = Pool([Secret("AWS", "AKIA1234567890123456:wJalrXUtnFEMI/K7MDENG+bPx:FwoGZXIvYXdzEBYaDsession"),
                 Secret("GCP", account)])  # fmt: skip
    pool.got("ya29.a-token-that-was-got")
    said = (
        "wJalrXUtnFEMI/K7MDENG+bPx, FwoGZXIvYXdzEBYaDsession, wJalrXUtnFEMI%2FK7MDENG%2BbPx, "
        "-----BEGIN\nMIIEvQIBADANBg\n-----END, -----BEGIN\\nMIIEvQIBADANBg\\n-----END, ya29.a-token-that-was-got"
    )
    assert without(pool.hidden, said) == ", ".join(["…"] * 6)


def test_nothing_is_hidden_where_there_is_nothing_to_hide() -> None:
    assert without(Pool([Secret("NONE", None)]).hidden, "said") == "said"
