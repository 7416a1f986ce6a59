"""The group of all verbs: ours by name, then what the installed plugins bring.

What a verb does not need is not imported for it: plugins, trio, the language. So imports stand where they are used here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.errors import report_set_aside, shown_errors
from headgate.errors import SettingsError
from headgate.language.suggest import suggest

if TYPE_CHECKING:
    from headgate.host.plugins import Plugins
    from headgate.host.settings import FaultsOf, Settings

DEFAULT_FILE = Path("headgate.toml")


class Work:
    """What verbs share: flags as given, and plugins and settings, each loaded when first asked for."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {}
        self.config: Path | None = None
        self.verbs: dict[str, click.Command] | None = None
        self._plugins: Plugins | None = None
        self._settings: Settings | None = None

    @property
    def plugins(self) -> Plugins:
        if self._plugins is None:
            from headgate.host.plugins import load_plugins

            self._plugins = load_plugins()
        return self._plugins

    @property
    def settings(self) -> Settings:
        """The settings in force. SettingsError."""
        if self._settings is None:
            self._settings = self._load(self.plugins.settings_shapes(), *self._faults)
        return self._settings

    @property
    def kernel_settings(self) -> Settings:
        """The settings in force, for who asks for none of a plugin's: no plugin is loaded. SettingsError."""
        if self._settings is not None or not self.is_configured:
            return self._settings or self._load({})
        from headgate.host.names import installed

        return self._load({point.name: Any for point in installed()})

    @property
    def _faults(self) -> tuple[FaultsOf, ...]:
        """How values are judged, where there may be any to judge."""
        if not self.is_configured and not self.flags:
            return ()
        from headgate.configured import faults_of

        return (faults_of,)

    def _load(self, shapes: Mapping[str, Any], *more: FaultsOf) -> Settings:
        from headgate.host.settings import load_settings

        if self.config is not None and not self.config.is_file():
            raise SettingsError(f"there is no file {self.config}")
        return load_settings(self._file, os.environ, self.flags, shapes, *more)

    @property
    def _file(self) -> Path | None:
        return self.config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)

    @property
    def is_configured(self) -> bool:
        """Whether anybody has said anything of the node here: without it, its settings are not known."""
        from headgate.host.settings import is_setting

        return self._file is not None or any(is_setting(name) for name in os.environ)

    @property
    def data(self) -> Path:
        return Path(self.settings.data)

    def placed(self, error: SettingsError) -> str:
        """What is wrong with a setting, and where it was set."""
        return str(error) if self._settings is None else self._settings.origins.told(error)

    def run(self, work: Any) -> Any:
        """Open a node, do the work, close it (see `contracts.workplace`)."""
        from headgate.serve import Bench

        return Bench(self.settings, self.plugins).run(work)


class Verbs(click.Group):
    """Ours, and the plugins'."""

    def __init__(self, *args: Any, own: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = own

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        context = super().make_context(info_name, args, parent, **extra)
        context.obj = context.obj or Work()
        return context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.own, *self._of_plugins(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.own:
            module, _, name = self.own[cmd_name].partition(":")
            return with_common_options(getattr(importlib.import_module(module), name))
        found = self._of_plugins(ctx).get(cmd_name)
        return with_common_options(found) if found is not None else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and (guess := suggest(name, self.list_commands(ctx))) is not None:
            ctx.fail(f"There is no verb '{name}'; did you mean '{guess}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with shown_errors(ctx.ensure_object(Work).placed):
            return super().invoke(ctx)

    def _of_plugins(self, ctx: click.Context) -> dict[str, click.Command]:
        work = ctx.ensure_object(Work)
        if work.verbs is None:
            work.verbs = {}
            for name, plugin in work.plugins.loaded.items():
                work.verbs.update(commands_of(name, plugin))
        return work.verbs


def commands_of(name: str, plugin: Any) -> dict[str, click.Command]:
    """The verbs of one plugin; one that cannot say what it has is named, and keeps nobody else from serving."""
    register = getattr(plugin, "register_commands", None)
    try:
        commands = register() if register is not None else ()
    except Exception as error:
        report_set_aside(name, f"its commands: {type(error).__name__}: {error}")
        return {}
    return {command.name: command for command in commands if command.name is not None}


def with_common_options(command: click.Command) -> click.Command:
    """`--data` and `--config` on a verb and on all below it, once."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            with_common_options(inner)
        return command
    if not any(param.name == "data_folder" for param in command.params):
        command.params.append(
            click.Option(
                ["--data", "data_folder"],
                type=click.Path(path_type=Path, file_okay=False),
                expose_value=False,
                callback=_flag("data"),
                help="The data folder (HEADGATE_DATA).",
            )
        )
        command.params.append(
            click.Option(
                ["--config"],
                type=click.Path(path_type=Path, dir_okay=False),
                expose_value=False,
                callback=_config,
                help="The settings file; ./headgate.toml if it is there.",
            )
        )
    return command


def _flag(name: str) -> Any:
    def keep(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            ctx.ensure_object(Work).flags[name] = str(value)

    return keep


def _config(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Work).config = value
