"""A provider to try things with, without a key or a network: `python -m headgate.testing.providers anthropic --port 9101`.

It answers each chat with what it was told, until it is stopped, and prints a line for each request.
"""

from __future__ import annotations

from typing import Any

import click
import trio

from headgate.testing import providers
from headgate.testing.providers.asking import Asked
from headgate.testing.providers.says import Manners, Says


@click.command()
@click.argument("name", type=click.Choice(sorted(one.lower() for one in providers.LAZY)))
@click.option("--port", default=9101, show_default=True, help="Where to listen, on 127.0.0.1.")
@click.option("--says", default="Hello from the simulator.", show_default=True, help="What the model answers.")
@click.option("--pause", default=0.05, show_default=True, help="Seconds between the events of a stream.")
def main(name: str, port: int, says: str, pause: float) -> None:
    """Simulate a provider's API, as strict as the provider's own."""
    kind = getattr(providers, next(one for one in providers.LAZY if one.lower() == name))
    trio.run(_serve, kind(), port, Says(says, manners=Manners(pause_s=pause)))


async def _serve(simulator: Any, port: int, answer: Says) -> None:
    def told(asked: Asked) -> Says:
        click.echo(f"{asked.method} {asked.path}")
        return answer

    async with trio.open_nursery() as nursery:
        await simulator.says(told).start(nursery, port=port)
        click.echo(f"{type(simulator).__name__} is simulated on {simulator.url}: give a model this `url`")


if __name__ == "__main__":
    main()
