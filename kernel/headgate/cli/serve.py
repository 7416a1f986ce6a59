"""`headgate serve`: run a node."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path
from typing import Any

import click
import trio

from headgate.cli.errors import report_broken, show_findings
from headgate.cli.group import Work
from headgate.cli.welcome import welcome
from headgate.errors import HeadgateError, PolicyError
from headgate.host.policies import Stamps, stamps
from headgate.host.settings import Settings
from headgate.serve import Ready, changes, open_server, prepare, reload_on, signals


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--bind", multiple=True, metavar="HOST:PORT", help="Where to listen; 127.0.0.1:8080 if not given.")
@click.option(
    "--bind-tls", multiple=True, metavar="HOST:PORT", help="Where to listen with TLS; needs --cert and --key."
)
@click.option("--bind-quic", multiple=True, metavar="HOST:PORT", help="Where to listen for HTTP/3; needs aioquic.")
@click.option("--cert", type=click.Path(path_type=Path), help="The certificate chain, in PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="Its key, in PEM.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the access log looks.")
@click.option("--no-access-log", is_flag=True, help="No line for each request; the call log is kept all the same.")
@click.option("--no-reload", is_flag=True, help="Do not reload when a policy changes; SIGHUP still does.")
@click.pass_obj
def serve(
    work: Work,
    policies: Path | None,
    bind: tuple[str, ...],
    bind_tls: tuple[str, ...],
    bind_quic: tuple[str, ...],
    cert: Path | None,
    key: Path | None,
    log_format: str | None,
    no_access_log: bool,
    no_reload: bool,
) -> None:
    """Serve POLICIES, a file or a folder, until SIGTERM. SIGHUP and changed files reload."""
    flags: dict[str, Any] = {
        "policies": str(policies) if policies else None,
        "bind": list(bind) or None,
        "log_format": log_format,
    }
    tls = {name: str(file) for name, file in (("cert", cert), ("key", key)) if file is not None}
    flags.update(bind_tls=list(bind_tls) or None, bind_quic=list(bind_quic) or None, tls=tls or None)
    work.flags.update(flags, access_log=False if no_access_log else None, reload=False if no_reload else None)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    for library in ("httpx", "quic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    report_broken(work.plugins.broken)
    settings = work.settings
    seen = stamps(Path(settings.policies))
    try:
        ready = prepare(settings, work.plugins)
    except PolicyError as error:
        show_findings(error.diagnostics, error.sources)
        click.echo("nothing is served: mend the findings above", err=True)
        sys.exit(1)
    trio.run(_serve, work, settings, ready, seen, restrict_keyboard_interrupt_to_checkpoints=True)


async def _serve(work: Work, settings: Settings, ready: Ready, seen: Stamps) -> None:
    async with open_server(settings, work.plugins, ready) as server, trio.open_nursery() as nursery:
        nursery.start_soon(signals, server, _report)
        async with trio.open_nursery() as running:
            await running.start(server.run)
            settle_collector()
            await welcome(server)
            if settings.reload:
                nursery.start_soon(reload_on, server, changes(Path(settings.policies), seen), _report)
        nursery.cancel_scope.cancel()


def settle_collector() -> None:
    """Take what was loaded out of the garbage collector's sight, and let it look less often.

    Requests leave next to no cycles behind, and passes over a growing heap found nothing: looking less often serves a
    fifth more requests (docs/performance.md), and memory stays flat over 450,000 of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _report(error: HeadgateError | None) -> None:
    """What a reload came to."""
    if error is None:
        click.echo("reloaded", err=True)
        return
    if isinstance(error, PolicyError):
        show_findings(error.diagnostics, error.sources)
    else:
        click.echo(f"error: {error}", err=True)
    click.echo("what was serving goes on serving", err=True)
