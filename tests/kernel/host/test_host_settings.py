"""Settings: three sources, one shape, and errors that say where and what instead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from headgate.configured import faults_of, limits_of
from headgate.errors import SettingsError
from headgate.host.settings import Settings, load_settings
from headgate.serve import open_node
from headgate.testing import open_gate


class Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    days: int = 3


class Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    a: int | None = None
    b: int | None = None
    host: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "a"
    ports: list[int] = []
    two: tuple[int, int] = (1, 2)
    prices: dict[str, int] = {}
    nested: dict[str, dict[str, int]] = {}
    named: dict[Annotated[str, msgspec.Meta(max_length=3)], str] = {}

    def __post_init__(self) -> None:
        if self.a and self.b:
            raise ValueError("either a or b may be given, and not both")
        if self.b == 9:
            raise ValueError("nine - at `$.x` - is\ntoo many")


SHAPES = {"shop": Table, "strict": Strict}


def read(
    tmp_path: Path, toml: str = "", environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None
) -> Settings:
    file = tmp_path / "headgate.toml"
    file.write_text(toml, encoding="utf-8")
    return load_settings(file, environ or {}, flags or {}, SHAPES, faults_of)


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    toml = 'data = "file"\npolicies = "file"\ndrain_s = 1\n[shop]\ndays = 1\n'
    environ = {"HEADGATE_DATA": "env", "HEADGATE_POLICIES": "env", "HEADGATE_SHOP__DAYS": "2"}
    settings = read(tmp_path, toml, environ, {"data": "flag", "policies": None})
    assert (settings.data, settings.policies, settings.drain_s) == ("flag", "env", 1.0)
    assert settings.plugins["shop"] == Table(days=2)


def test_a_list_is_written_with_commas_in_the_environment(tmp_path: Path) -> None:
    environ = {
        "HEADGATE_BIND": ":80, :81", "HEADGATE_TRUSTED_PROXIES": "10.0.0.0/8,::1", "HEADGATE_EGRESS__ALLOW": "a,b",
    }  # fmt: skip
    settings = read(tmp_path, environ=environ)
    assert settings.bind == [":80", ":81"]
    assert settings.trusted_proxies == ["10.0.0.0/8", "::1"]
    assert settings.egress.allow == ["a", "b"]


def test_the_key_that_serve_prints_is_no_setting(tmp_path: Path) -> None:
    assert read(tmp_path, environ={"HEADGATE_KEY": "hg_x", "OTHER": "1"}) == read(tmp_path)


@pytest.mark.parametrize(
    ("toml", "environ", "said"),
    [
        ("dta = 1", {}, ["`dta`", "headgate.toml", "did you mean `data`?"]),
        (
            "",
            {"HEADGATE_DTA": "x"},
            ["`dta`", "HEADGATE_DTA in the environment", "did you mean `data`, HEADGATE_DATA in"],
        ),
        ("[shop]\ndys = 1", {}, ["`shop.dys`", "did you mean `shop.days`?"]),
        ("[egress]\nalow = []", {}, ["`egress.alow`", "did you mean `egress.allow`?"]),
        ("egress = 3", {}, ["`egress` must be a table; it is 3"]),
        ("shop = 3", {}, ["`shop` must be a table; it is 3"]),
        (
            "[shop]\ndays = 'x'",
            {},
            ['`shop.days` must be a whole number; it is "x"', "headgate.toml:2\n  |\n2 | days = 'x'\n  | ^^^^"],
        ),
        ("drain_s = -1", {}, ["`drain_s` must be a number, 0 or more; it is -1", "headgate.toml:1"]),
        ("bind = [1]", {}, ["`bind[0]` must be a text; it is 1", "headgate.toml:1"]),
        ("reload = 'maybe'", {}, ['`reload` must be true or false; it is "maybe"']),
        ("= 3", {}, ["headgate.toml is not valid TOML: ", "headgate.toml:1\n  |\n1 | = 3\n  | ^"]),
        ("a = 1\na =", {}, ["not valid TOML: invalid value", "headgate.toml:2\n  |\n2 | a ="]),
        (
            "",
            {"HEADGATE_WORKERS": "x"},
            ["`workers` must be a whole number, 0 or more", "--> HEADGATE_WORKERS in the env"],
        ),
        ("[tls]\nminimum = 1.2", {}, ['`tls.minimum` must be one of "1.2", "1.3"; it is 1.2', "headgate.toml:2"]),
        ("bind = [\n  ':80',\n  3,\n]", {}, ["`bind[1]` must be a text; it is 3", "headgate.toml:1\n"]),
        ("bind = ':80'", {}, ['`bind` must be a list of texts; it is ":80"']),
        ("[[tls.certificates]]\ncert = 'a'\nkye = 'b'", {}, ["`tls.certificates[0].key`?", "headgate.toml:3\n"]),
        ("[[tls.certificates]]\ncert = 'a'", {}, ["`tls.certificates[0]` needs `key`", "headgate.toml:1\n"]),
        ("drain = 3", {}, ["`drain`; did you mean `drain_s`?"]),
        ("client_ca = 'x'", {}, ["`client_ca`; did you mean `tls.client_ca`?"]),
        ("[shop]\ndrain_s = 3", {}, ["`shop.drain_s`; did you mean `drain_s`?"]),
        (
            "workers = 'x'\n[shop]\ndays = []",
            {},
            ["`workers` must be", "\n\nerror: `", "`shop.days` must be a whole number; it is a list"],
        ),
        ("", {"HEADGATE_DATA": "x", "HEADGATE_DATA__MORE": "y"}, ["HEADGATE_DATA__MORE", "as a whole"]),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place_and_what_to_write(
    tmp_path: Path, toml: str, environ: dict[str, str], said: list[str]
) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, toml, environ)
    assert all(part in str(raised.value) for part in said), raised.value


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("a = 1\nb = 2", "`strict`: either a or b may be given, and not both"),
        ("b = 9", "`strict`: nine - at `$.x` - is\ntoo many"),
        ('host = "A1"', "`strict.host`: expected `str` matching regex '^[a-z]+$'; it is \"A1\""),
        ("host = 1", "`strict.host` must be a text; it is 1"),
        ("ports = 1", "`strict.ports` must be a list of numbers; it is 1"),
        ("two = [1]", "`strict.two`: expected `array` of length 2, got 1"),
        ('prices = { x = "y" }', "`strict.prices`: one of its values: expected `int`, got `str`"),
        ('nested = { x = { y = "z" } }', "`strict.nested`: one of its values: expected `int`, got `str`"),
        ('named = { long = "z" }', "`strict.named`: one of its keys: expected `str` of length <= 3"),
    ],
)
def test_what_a_plugin_says_of_its_settings_is_told_as_it_says_it(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, f"[strict]\n{toml}\n")
    message, _, place = str(raised.value).partition("\n --> ")
    assert message == said
    assert "headgate.toml:" in place


EVERYTHING = """\
bind = ["nowhere"]
bind_tls = ["x:99999"]
admin_bind = "y"
workers = "x"
drain_s = -1
trusted_proxies = ["abc"]
dta = 1

[egress]
allow = [""]
[limits]
idle_s = "x"
header_s = []
tick_s = -1
lag_s = -1
idle = 3
[tls]
cert = "a"
[strict]
a = 1
b = 9
host = "A1"
"""


def test_all_that_is_wrong_with_them_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, EVERYTHING, {"HEADGATE_SHOP__DAYS": "x"})
    said = ("error: " + str(raised.value)).split("\n\n")
    places = [one.partition(" --> ")[2].partition("\n")[0].rpartition("headgate.toml:")[2] for one in said]
    found = dict(zip([one.split("`")[1] for one in said], places, strict=True))
    assert found == {
        "dta": "7", "limits.idle": "16", "workers": "4", "drain_s": "5", "limits.idle_s": "12", "limits.header_s": "13",
        "limits.lag_s": "15", "limits.tick_s": "14", "shop.days": "HEADGATE_SHOP__DAYS in the environment", "strict.host": "22",
        "egress.allow": "10", "trusted_proxies": "6", "bind": "1", "bind_tls": "2", "admin_bind": "3",
        "tls.cert": "18",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[tls]\ncert = 'a'", None),
        ("bind_tls = [':1']\n[tls]\nkey = 'a'", "`tls.cert` and `tls.key` belong together: `tls.cert` is missing"),
        ("bind_quic = [':1']\n[tls]\nclient_ca = 'a'", "`tls.client_ca` makes every client show a certificate"),
        (
            "bind_quic = [':1']\n[tls]\nclient_auth = 'require'",
            "`tls.client_auth` is `require`, and `bind_quic` cannot",
        ),
    ],
)
def test_certificates_that_do_not_fit_are_named(tmp_path: Path, toml: str, said: str | None) -> None:
    if said is None:
        assert faults_of(read(tmp_path, toml)) == []
        return
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, toml)
    assert str(raised.value).startswith(said)
    assert " --> " in str(raised.value)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"idles": 3}, "did you mean `limits.idle_s`?"),
        ({"zzzzz": 3}, "known: limits.ahead_bytes"),
        ({"idle_s": "x"}, '`limits.idle_s` must be a number; it is "x"'),
        ({"header_bytes": 1.5}, "`limits.header_bytes` must be a whole number; it is 1.5"),
        ({"idle_s": -1}, "`limits.idle_s` is -1.0; it must be above 0"),
        ({"idle": 3}, "did you mean `limits.idle_s`?"),
    ],
)
def test_a_limit_that_is_none_is_named(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        limits_of(Settings(limits=limits))
    assert said in str(raised.value)


def test_limits_are_numbers_of_their_kind_whoever_wrote_them() -> None:
    limits = limits_of(Settings(limits={"ahead_bytes": "1024", "idle_s": 3}))
    assert (limits.ahead_bytes, limits.idle_s) == (1024, 3.0)
    assert type(limits.ahead_bytes) is int


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(trusted_proxies=["abc"]), "`trusted_proxies`: 'abc'"),
        (Settings(trusted_proxies=["10.0.0.1/8"]), "`trusted_proxies`: 10.0.0.1/8 has host bits set"),
    ],
)
async def test_networks_that_are_none_are_named(settings: Settings, said: str) -> None:
    from headgate.host.plugins import load_plugins

    with pytest.raises(SettingsError) as raised:
        async with open_node(settings, load_plugins(discover=False)):
            pass
    assert said in str(raised.value)


async def test_limits_of_the_settings_hold_on_the_wire() -> None:
    policy = 'policy 1\nroute r GET / public { respond 200 text="ok" }\n'
    settings = Settings(bind=["127.0.0.1:0"], limits={"header_line_bytes": "600"})
    async with open_gate(policy, discover=False, settings=settings) as gate:
        assert (await gate.send("GET", "/", headers={"x-long": "x" * 500})).status == 200
        assert (await gate.send("GET", "/", headers={"x-long": "x" * 700})).status == 431
