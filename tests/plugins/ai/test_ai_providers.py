"""Every row of the providers' table can be used, and says where it comes from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.api import Node, Stores, SystemClock, Target
from headgate_ai.models import build
from headgate_ai.providers import Provider, providers
from headgate_openai import OpenAi

# Dialects that a plugin speaks, each in its own folder.
DIALECTS = {"openai", "anthropic", "gemini", "mistral", "cohere", "bedrock"}
# What the dialects read: see `OpenAiChatOut`.
OPTIONS: dict[str, type] = {
    "path": str, "counts_streams": bool, "bound": str, "developer": bool, "reasoning": str, "drops": list, "top_k": bool,
}  # fmt: skip
ROWS = sorted(providers().values(), key=lambda row: row.name)


def node() -> Node:
    spoken = {speaks.name: speaks for speaks in OpenAi().register_dialects()}
    return Node(SystemClock(), None, None, Stores(), dialects=spoken)  # type: ignore[arg-type]


def named(row: Provider) -> str:
    return row.name


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_says_where_it_comes_from(row: Provider) -> None:
    page = urlsplit(row.docs)
    assert page.scheme == "https"
    assert "." in page.netloc
    assert len(page.path) > 1


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_says_where_its_api_is_or_shows_how_to(row: Provider) -> None:
    assert (row.url is None) != (row.example is None)
    address = row.url or row.example or ""
    target = Target.parse(address)
    assert target.scheme == "https" or target.host in ("127.0.0.1", "echo.invalid") or ".internal" in target.host
    assert not target.path.endswith("/")
    assert row.dialect in DIALECTS
    assert row.auth in ("bearer", "none", "dialect") or row.auth.startswith("header ")


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_holds_options_that_its_dialect_knows(row: Provider) -> None:
    for name, value in row.options.items():
        assert isinstance(value, OPTIONS[name]), name
    assert row.options.get("bound") in (None, "max_tokens", "max_completion_tokens")
    assert row.options.get("reasoning") in (None, "reasoning", "reasoning_content")


@pytest.mark.parametrize("row", [row for row in ROWS if row.prices], ids=named)
def test_a_row_is_found_in_the_price_list(row: Provider) -> None:
    from genai_prices import data_snapshot

    assert row.prices in {one.id for one in data_snapshot.get_snapshot().providers}


def test_those_that_run_at_home_want_no_key() -> None:
    free = {row.name for row in ROWS if not row.needs_key}
    assert free == {"ollama", "vllm", "llamacpp", "lmstudio", "compatible", "echo"}


@pytest.mark.parametrize(
    ("provider", "url", "path"),
    [
        ("openai", None, "/v1"),
        ("vllm", "http://vllm.internal:8000", "/v1"),
        ("vllm", "http://vllm.internal:8000/models/v1", "/models/v1"),
        ("perplexity", None, ""),
        ("azure", "https://mine.openai.azure.com", "/openai/v1"),
        ("zhipu", None, "/api/paas/v4"),
    ],
)
def test_a_url_without_a_path_means_the_providers_own(provider: str, url: str | None, path: str) -> None:
    made = build(node(), "m", "a-model", providers()[provider], [], url=url)
    assert made.target.path == path


def test_what_a_resource_says_goes_before_the_row() -> None:
    options: dict[str, Any] = {"developer": True, "drops": []}
    made = build(node(), "m", "gpt-oss-120b", providers()["cerebras"], [], options=options)
    assert made.endpoint.options == {"bound": "max_completion_tokens", "developer": True, "drops": []}


def test_what_a_provider_wants_to_know_is_asked_for() -> None:
    row = Provider(name="far", docs="https://far.example/docs", url="https://far.example", wants=("project",))
    with pytest.raises(ValueError, match=r"add options = \{project: "):
        build(node(), "m", "a-model", row, [])
    assert build(node(), "m", "a-model", row, [], options={"project": "p"}).target.path == "/v1"


@pytest.mark.parametrize(("provider", "path"), [("anthropic", "/v1"), ("cohere", "/v2"), ("mistral", "/v1")])
def test_the_version_is_in_the_path_that_a_provider_without_one_means(provider: str, path: str) -> None:
    assert providers()[provider].path == path
