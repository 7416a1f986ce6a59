"""Configuration: `headgate.toml`, then `HEADGATE_*`, then flags; the later wins.

The kernel's keys are one Struct; each plugin that registers settings has a table of its own under its name. A key that
nobody knows is an error with a suggestion. `HEADGATE_LIMITS__HEADER_BYTES=…` reaches into tables by `__`; a list is
written with commas there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from headgate.errors import SettingsError
from headgate.language.suggest import suggest

T = TypeVar("T")
PREFIX = "HEADGATE_"
# What `serve` tells a first user to export, for calling the node: no setting.
FOR_CLIENTS = frozenset({"HEADGATE_KEY"})

# What is a list, and so is written with commas in the environment.
LISTS = {("bind",), ("bind_tls",), ("bind_quic",), ("trusted_proxies",), ("egress", "allow")}

# Kernel settings (they have flags of their own) that are a plugin's to heed: where they go in its table.
HANDED_ON = {"log_format": ("log", "format"), "access_log": ("log", "access")}


class EgressSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The table `[egress]`."""

    allow: list[str] = msgspec.field(default_factory=list)


class CertificateSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of `tls.certificates`: a chain and its key, in PEM."""

    cert: str
    key: str


class TlsSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The table `[tls]`. `cert` and `key` are one certificate, `certificates` more of them; the first is shown to who
    asks for no name that another has."""

    cert: str | None = None
    key: str | None = None
    certificates: list[CertificateSettings] = msgspec.field(default_factory=list)
    client_ca: str | None = None
    client_auth: Literal["none", "request", "require"] | None = None
    minimum: Literal["1.2", "1.3"] = "1.2"

    @property
    def asks(self) -> Literal["none", "request", "require"]:
        """Whether clients are asked for a certificate: with a CA they are, unless it is said otherwise."""
        return self.client_auth or ("none" if self.client_ca is None else "require")


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The kernel's settings. Times are seconds, sizes bytes."""

    policies: str = "policies"
    bind: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1:8080"])
    bind_tls: list[str] = msgspec.field(default_factory=list)
    bind_quic: list[str] = msgspec.field(default_factory=list)
    tls: TlsSettings = msgspec.field(default_factory=TlsSettings)
    data: str = ".headgate"
    log_format: str | None = None
    access_log: bool | None = None
    workers: Annotated[int, msgspec.Meta(ge=0)] | None = None
    worker_stall_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    admin_bind: str = ""
    reload: bool = True
    test_on_load: bool = True
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    trusted_proxies: list[str] = msgspec.field(default_factory=list)
    limits: dict[str, Any] = msgspec.field(default_factory=dict)
    egress: EgressSettings = msgspec.field(default_factory=EgressSettings)
    plugins: dict[str, Any] = msgspec.field(default_factory=dict)


_TABLES: dict[str, type[msgspec.Struct]] = {"egress": EgressSettings, "tls": TlsSettings}


def load_settings(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any], shapes: Mapping[str, type[msgspec.Struct]]
) -> Settings:
    """The settings of a node. `shapes` are the plugins' tables. SettingsError names the key, the place and the fix."""
    merged: dict[str, Any] = {}
    if file is not None:
        _merge(merged, _known(_read(file), shapes, str(file)))
    _merge(merged, _known(_from_environment(environ), shapes, "the environment"))
    _merge(merged, {key: value for key, value in flags.items() if value is not None})
    _hand_on(merged)
    if "bind_tls" in merged or "bind_quic" in merged:
        merged.setdefault("bind", [])  # who says where to listen with TLS listens nowhere else unasked
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
        settings.plugins = {
            name: read_table(name, settings.plugins.get(name, {}), shape) for name, shape in shapes.items()
        }
    except msgspec.ValidationError as error:
        raise SettingsError(_plain(str(error))) from None
    return settings


def read_table(name: str, raw: dict[str, Any], shape: type[T]) -> T:
    """One table of the settings in its shape. SettingsError names the key."""
    try:
        return msgspec.convert(raw, shape, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_plain(str(error).replace("`$.", f"`$.{name}."))) from None


def _hand_on(merged: dict[str, Any]) -> None:
    for key, (table, field) in HANDED_ON.items():
        if key in merged:
            merged.setdefault("plugins", {}).setdefault(table, {})[field] = merged[key]


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None


def _known(raw: dict[str, Any], shapes: Mapping[str, type[msgspec.Struct]], where: str) -> dict[str, Any]:
    """Refuse what nobody knows; move the plugins' tables where they belong."""
    own = set(Settings.__struct_fields__) - {"plugins"}
    out: dict[str, Any] = {}
    for key, value in raw.items():
        if key in own:
            if key in _TABLES:
                _known_fields(key, value, _TABLES[key], where)
            out[key] = value
        elif key in shapes:
            _known_fields(key, value, shapes[key], where)
            out.setdefault("plugins", {})[key] = value
        else:
            _unknown(key, [*own, *shapes], where)
    return out


def _known_fields(table: str, value: Any, shape: type[msgspec.Struct], where: str) -> None:
    if not isinstance(value, dict):
        raise SettingsError(f"`{table}` in {where} is a table: [{table}]")
    for key in value:
        if key not in shape.__struct_fields__:
            _unknown(f"{table}.{key}", [f"{table}.{name}" for name in shape.__struct_fields__], where)


def _unknown(key: str, known: list[str], where: str) -> None:
    guess = suggest(key, known)
    hint = f"did you mean `{guess}`?" if guess else f"known: {', '.join(sorted(known))}"
    raise SettingsError(f"there is no setting `{key}` (in {where}); {hint}")


def is_setting(name: str) -> bool:
    """Whether a variable of the environment is meant for us."""
    return name.startswith(PREFIX) and name not in FOR_CLIENTS


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`HEADGATE_DATA=/x` is `data`; `HEADGATE_LIMITS__HEADER_BYTES=1` is `limits.header_bytes`."""
    out: dict[str, Any] = {}
    for name, value in environ.items():
        if is_setting(name):
            *tables, key = name[len(PREFIX) :].lower().split("__")
            place = out
            for table in tables:
                place = place.setdefault(table, {})
                if not isinstance(place, dict):
                    raise SettingsError(f"`{name}` in the environment: `{table}` is set as a whole beside it")
            place[key] = [part.strip() for part in value.split(",")] if (*tables, key) in LISTS else value
    return out


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def _plain(message: str) -> str:
    """msgspec's `Expected `int`, got `str` - at `$.drain_s`` as a sentence."""
    match = re.fullmatch(r"(.*) - at `\$\.?(.*)`", message)
    return f"`{match[2]}`: {match[1][0].lower()}{match[1][1:]}" if match else message
