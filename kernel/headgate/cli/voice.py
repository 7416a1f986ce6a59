"""How `headgate serve` speaks: to a person at a terminal, or in a log that machines read, where every line is an object."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import click

from headgate.cli.errors import Placed, alone, error_text, report_broken
from headgate.errors import HeadgateError, PluginFault, PolicyError, SettingsError, StoreError
from headgate.host.loglines import log_to_stderr
from headgate.host.plugins import Broken
from headgate.host.settings import Settings

log = logging.getLogger("headgate")


class Voice:
    """What a node says on stderr, beside the access log. Before the settings are read it goes by a flag or the environment."""

    def __init__(self, placed: Placed, flag: str | None, environ: Mapping[str, str]) -> None:
        self._placed = placed
        self.as_json = (flag or environ.get("HEADGATE_LOG_FORMAT") or environ.get("HEADGATE_LOG__FORMAT")) == "json"
        self.dress("")

    def __repr__(self) -> str:
        return f"<Voice {'json' if self.as_json else 'text'}>"

    @property
    def colour(self) -> bool:
        """Whether a person sees it, in colour."""
        return not self.as_json and sys.stderr.isatty()

    def heed(self, settings: Settings) -> None:
        """Speak as the settings want it."""
        self.as_json = settings.log_format == "json"
        self.dress("")

    def dress(self, worker: str) -> None:
        """Make the log lines of this process look as they should; those of a worker have its name."""
        log_to_stderr(worker, as_json=self.as_json)

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Say it, whatever its number of lines, in one piece."""
        if self.as_json:
            log.log(logging.ERROR if wrong else logging.INFO, "%s", text)
        else:
            click.echo(text, err=True)

    def broken(self, plugins: Iterable[Broken]) -> None:
        """Name the plugins that were set aside."""
        if not self.as_json:
            report_broken(plugins)
            return
        for one in plugins:
            log.warning("the plugin `%s` did not load: %s", one.name, one.error)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Errors that a person can mend end the process; as lines for a person they are shown further out."""
        try:
            with alone():
                yield
        except (SettingsError, StoreError, PluginFault, PolicyError) as error:
            if isinstance(error, SettingsError) and error.log_format == "json":
                self.as_json = True
                self.dress("")
            if not self.as_json:
                raise
            self.end(error)
        except KeyboardInterrupt:
            if not self.as_json:
                raise
            sys.exit(1)

    def end(self, error: HeadgateError, hint: str = "") -> NoReturn:
        """Say what is wrong, and end with the status that is its."""
        self.say("\n".join(filter(None, (error_text(self._placed, error, self.colour), hint))), wrong=True)
        sys.exit(2 if isinstance(error, SettingsError) else 1)
