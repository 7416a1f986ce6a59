"""What cannot work on a node is said when it loads its policies: what, where, and what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headgate.api import Exchange, ResourceContext, hookimpl, resource, step
from headgate.cli import main
from headgate.host.plugins import load_plugins
from headgate.host.settings import Settings, TlsSettings
from headgate.language.remembered import Remembered
from headgate.serve import prepare

PLUGINS = load_plugins()
MTLS = "policy 1\n\nroute one GET /one {\n    auth.mtls\n    respond 200\n}\n"
TWICE = (
    "policy 1\n\nfragment known() {\n    auth.mtls\n}\n\n"
    "route one GET /one {\n    use known()\n    respond 200\n}\n\nroute two GET /two {\n    use known()\n    respond 200\n}\n"
)
MODEL = (
    'policy 1\n\nmodel m { provider = openai, name = "x", KEYS }\n\n'
    "route a POST /a public {\n    read.chat as chat\n    ai.chat m\n}\n"
)
ANYWHERE = "127.0.0.1:0"


def said(folder: Path, caplog: pytest.LogCaptureFixture, text: str, settings: Settings | None = None) -> list[str]:
    """What loading this policy warns of."""
    (folder / "a.policy").write_text(text, encoding="utf-8")
    settings = settings or Settings()
    settings.policies = str(folder)
    caplog.clear()
    prepare(settings, PLUGINS)
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (Settings(), "nothing is bound with TLS; set `bind_tls`, `tls.cert`, `tls.key` and `tls.client_ca`"),
        (Settings(bind_quic=[ANYWHERE], tls=TlsSettings(client_ca="ca.pem")), "nothing is bound with TLS; set `bind_tls`"),
        (Settings(bind_tls=[ANYWHERE]), "no client is asked for a certificate; set `tls.client_ca` to the CA"),
        (
            Settings(bind_tls=[ANYWHERE], tls=TlsSettings(client_ca="ca.pem", client_auth="none")),
            '`tls.client_auth` is "none": set it to "request" or "require"',
        ),
    ],
)  # fmt: skip
def test_a_line_that_nobody_can_pass_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, settings: Settings, missing: str
) -> None:
    (line,) = said(tmp_path, caplog, MTLS, settings)
    assert line.startswith("a.policy:4: `auth.mtls` lets nobody in: ")
    assert missing in line
    assert line.endswith("the route that needs it: `one`")


@pytest.mark.parametrize("asks", [None, "request", "require"])
def test_a_line_that_clients_with_certificates_pass_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, asks: str | None
) -> None:
    tls = TlsSettings(client_ca="ca.pem", client_auth=asks)  # type: ignore[arg-type]
    assert said(tmp_path, caplog, MTLS, Settings(bind_tls=[ANYWHERE], tls=tls)) == []


def test_a_line_of_a_fragment_is_told_once_with_all_its_routes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (line,) = said(tmp_path, caplog, TWICE)
    assert line.startswith("a.policy:4: ")
    assert line.endswith("the routes that need it: `one`, `two`")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('key = secret("NO_SUCH_KEY")', "NO_SUCH_KEY is not set, so it cannot be asked; set NO_SUCH_KEY"),
        ('keys = [secret("NO_SUCH_KEY"), secret("PATH")]', "NO_SUCH_KEY is not set, so it is asked with its other keys alone"),
        ('keys = [secret("NO_SUCH_KEY"), secret("NOR_THIS")]', "NO_SUCH_KEY and NOR_THIS are not set, so it cannot be asked"),
    ],
)  # fmt: skip
def test_a_model_whose_key_is_not_set_is_told_with_its_place_and_its_route(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, keys: str, told: str
) -> None:
    for name in ("NO_SUCH_KEY", "NOR_THIS"):
        monkeypatch.delenv(name, raising=False)
    (line,) = said(tmp_path, caplog, MODEL.replace("KEYS", keys))
    assert line.startswith(f"a.policy:3: the model `m`: {told}")
    assert line.endswith("the route that needs it: `a`")


def check(folder: Path, text: str, **environ: str) -> Result:
    (folder / "a.policy").write_text(text, encoding="utf-8")
    clean = {name: None for name in os.environ if name.startswith("HEADGATE_")}
    return CliRunner(env={**clean, **environ}).invoke(main, ["check", "a.policy"])


def test_check_tells_it_where_the_settings_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unknown = check(tmp_path, MTLS)
    assert (unknown.exit_code, unknown.output) == (0, "a.policy (1 file): no errors\n")
    by_environment = check(tmp_path, MTLS, HEADGATE_BIND_TLS=ANYWHERE)
    assert by_environment.exit_code == 0
    assert "warning[W115]: `auth.mtls` lets nobody in: no client is asked for a certificate" in by_environment.output
    assert "--> a.policy:4:5" in by_environment.output
    (tmp_path / "headgate.toml").write_text(f'bind_tls = ["{ANYWHERE}"]\n[tls]\nclient_ca = "ca.pem"\n')
    assert check(tmp_path, MTLS).output == "a.policy (1 file): no errors\n"


def test_check_does_not_pass_settings_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headgate.toml").write_text('[limits]\nidle_s = "x"\n', encoding="utf-8")
    checked = check(tmp_path, MTLS)
    assert checked.exit_code == 2
    assert 'error: `limits.idle_s` must be a number; it is "x"\n --> headgate.toml:2\n' in checked.output


def test_check_leaves_keys_to_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not set where policies are checked says nothing of where they are served."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headgate.toml").write_text("workers = 1\n")
    checked = check(tmp_path, MODEL.replace("KEYS", 'key = secret("NO_SUCH_KEY")'))
    assert checked.output == "a.policy (1 file): no errors\n"


def raises(*_: Any, **__: Any) -> list[tuple[str, ...]]:
    raise ValueError("no\nsuch thing")


class Odd:
    """A resource."""

    resource_kind = "odd"


def plugin_that_doubts(doubts: Callable[..., Any]) -> type:
    """A plugin of one step and one kind of resource, with these doubts."""

    class Plugin:
        @hookimpl
        def register_steps(self) -> list[Any]:
            @step("odd.step", doubts=doubts)
            def odd(ctx: Exchange, one: Odd, /) -> None:
                """Do nothing."""

            return [odd]

        @hookimpl
        def register_resources(self) -> list[Any]:
            @resource("odd", doubts=doubts)
            def build(context: ResourceContext, /) -> Odd:
                """Build one."""
                return Odd()

            return [build]

    return Plugin


@pytest.mark.parametrize(
    ("doubts", "why"),
    [
        (raises, "ValueError: no such thing"),
        (lambda *_, **__: ["a text alone"], "TypeError: 'a text alone' is not what is wrong, and then what helps"),
        (lambda *_, **__: None, "TypeError: 'NoneType' object is not iterable"),
    ],
)  # fmt: skip
def test_doubts_that_fail_keep_nothing_from_serving_and_are_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, doubts: Callable[..., Any], why: str
) -> None:
    text = "policy 1\n\nodd o {}\n\nroute one GET /one public {\n    odd.step o\n    respond 200\n}\n"
    (tmp_path / "a.policy").write_text(text, encoding="utf-8")
    ready = prepare(Settings(policies=str(tmp_path)), load_plugins([("odd", plugin_that_doubts(doubts))]))
    assert [lowered.route.name for lowered in ready.program.routes] == ["one"]
    needed = "the route that needs it: `one`"
    failed = "the plugin `odd` failed in `doubts` of"
    assert [record.getMessage() for record in caplog.records] == [
        f"a.policy:3: {failed} the resource kind `odd`, so nobody knows whether it works: {why}; {needed}",
        f"a.policy:6: {failed} the step `odd.step`, so nobody knows whether it works: {why}; {needed}",
    ]


def test_a_reload_says_what_is_new_and_nothing_that_was_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remembered, settings = Remembered(), Settings(policies=str(tmp_path))

    def again(**files: str) -> list[str]:
        caplog.clear()
        for name, text in files.items():
            (tmp_path / f"{name}.policy").write_text(text, encoding="utf-8")
        prepare(settings, PLUGINS, remembered)
        return [record.getMessage().partition(":")[0] for record in caplog.records]

    two = MTLS.replace("one", "two")
    mended = MTLS.replace("auth.mtls", "auth.key")
    assert again(a=MTLS) == ["a.policy"]
    assert again() == []
    assert again(a=MTLS.replace("policy 1\n", "policy 1\n\n# The same line, further down.\n")) == []
    assert again(b=two) == ["b.policy"]
    assert again(a=mended) == []
    assert again(a=MTLS) == ["a.policy"]
