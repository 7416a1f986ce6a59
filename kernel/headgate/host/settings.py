"""Configuration: `headgate.toml`, then `HEADGATE_*`, then flags; the later wins.

The kernel's keys are one Struct; each plugin that registers settings has a table of its own under its name. A key that
nobody knows is an error with a suggestion, and every error has the place of what is wrong (`origins`). All that is wrong is
told at once. `HEADGATE_LIMITS__HEADER_BYTES=…` reaches into tables by `__`; a list is written with commas there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from headgate.errors import SettingsError
from headgate.host.origins import PREFIX, InEnvironment, InFile, OnCommandLine, Origin, Origins
from headgate.host.tables import in_one, tables_in

# What `serve` tells a first user to export, for calling the node: no setting.
FOR_CLIENTS = frozenset({"HEADGATE_KEY"})

# What is a list, and so is written with commas in the environment.
LISTS = {("bind",), ("bind_tls",), ("bind_quic",), ("trusted_proxies",), ("egress", "allow")}

# Kernel settings (they have flags of their own) that are a plugin's to heed as well: where they go in its table.
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
    origins: Origins = msgspec.field(default_factory=Origins)


# The kernel's keys and their types: what the struct has besides is where the plugins' tables go, and where all comes from.
_KERNEL = {
    field.encode_name: field.type for field in msgspec.structs.fields(Settings) if field.name not in ("plugins", "origins")
}  # fmt: skip


FaultsOf = Callable[[Settings], list[str]]


def load_settings(
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    shapes: Mapping[str, type[msgspec.Struct]],
    faults_of: FaultsOf = lambda _: [],
) -> Settings:
    """The settings of a node. `shapes` are the plugins' tables, `faults_of` tells what is wrong with values of the right kind.
    SettingsError names each key that cannot be used, the place and the fix."""
    merged: dict[str, Any] = {}
    origins = Origins()
    for raw, origin in _sources(file, environ, flags):
        origins.note(raw, origin)
        _merge(merged, raw)
    _hand_on(merged, origins, shapes)
    if "bind_tls" in merged or "bind_quic" in merged:
        merged.setdefault("bind", [])  # who says where to listen with TLS listens nowhere else unasked
    found, wrong = tables_in({**{name: {} for name in shapes}, **merged}, {**_KERNEL, **shapes}, origins)
    plugins = {name: found.pop(name) for name in shapes if name in found}
    settings = Settings(**found, plugins=plugins, origins=origins)
    for key, (table, field) in HANDED_ON.items():  # a table may say it, too
        if getattr(settings, key) is None:
            setattr(settings, key, getattr(plugins.get(table), field, None))
    wrong += faults_of(settings)
    if wrong:
        raise SettingsError(in_one(wrong), log_format=settings.log_format)
    return settings


def _sources(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], Origin]]:
    if file is not None:
        text = _read(file)
        yield _parsed(file, text), InFile(str(file), text)
    yield _from_environment(environ), InEnvironment()
    yield {key: value for key, value in flags.items() if value is not None}, OnCommandLine()


def _hand_on(merged: dict[str, Any], origins: Origins, shapes: Mapping[str, type]) -> None:
    for key, (table, field) in HANDED_ON.items():
        if key in merged and table in shapes and isinstance(merged.setdefault(table, {}), dict):
            merged[table][field] = merged.pop(key)
            origins.move((key,), (table, field))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, place = str(error), ""
        if found := re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message):
            message, line, column = found[1], int(found[2] or len(text.splitlines())), int(found[3] or 0)
            place = "\n" + InFile(str(file), text).line(line, column - 1)
        raise SettingsError(f"{file} is not valid TOML: {message[:1].lower()}{message[1:]}{place}") from None


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
