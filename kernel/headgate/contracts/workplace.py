"""What a verb of the command line may ask for; a plugin's command gets it by `@click.pass_obj`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from headgate.contracts.node import Node

T = TypeVar("T")


class Workplace(Protocol):
    """The settings in force, and a node to work with."""

    @property
    def data(self) -> Path:
        """The data folder."""
        ...

    def run(self, work: Callable[[Node], Awaitable[T]]) -> T:
        """Open the stores, do the work in a loop of its own, close them. Raises what the work raises."""
        ...
