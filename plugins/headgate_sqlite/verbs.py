"""What the verbs share: times as people write them, and errors that end a command in one line."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import click

from headgate.api import HeadgateError, SettingsError

_SECONDS: Final = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "day": 86_400, "w": 604_800}


class Span(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A span of time, `90s`, `15min`, `1h`, `30d`, in seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", str(value).strip())
        if match is None or match[2] not in _SECONDS:
            self.fail(f"{value!r} is no span of time: write 90s, 15min, 1h or 30d", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


@contextmanager
def spoken() -> Iterator[None]:
    """Turns an error of ours into one line and exit status 1; one of the settings is the command line's to show."""
    try:
        yield
    except SettingsError:
        raise
    except (HeadgateError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except ExceptionGroup as group:  # of the nursery that the work ran in
        only = _only(group)
        if not isinstance(only, (HeadgateError, ValueError)):
            raise
        raise click.ClickException(str(only)) from group


def _only(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose errors are spoken."""

    @functools.wraps(command)
    def run(*args: Any, **named: Any) -> Any:
        with spoken():
            return command(*args, **named)

    return run


def when(at: float | None) -> str:
    """A moment as people read it, UTC."""
    return "–" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
