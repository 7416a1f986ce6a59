"""`headgate serve`: run a node."""

from __future__ import annotations

import functools
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

import click
import trio

from headgate.cli.errors import error_text
from headgate.cli.group import Work
from headgate.cli.voice import Voice
from headgate.cli.welcome import welcome
from headgate.configured import limits_of
from headgate.errors import HeadgateError, PolicyError
from headgate.host.policies import Stamps, stamps
from headgate.host.settings import Settings
from headgate.serve import Ready, changes, open_server, prepare, reload_on, signals
from headgate.supervise.builder import NOTHING_SERVED
from headgate.supervise.collector import settle_collector
from headgate.supervise.cores import usable_cores
from headgate.supervise.files import check_open_files, raise_open_files
from headgate.supervise.master import Master
from headgate.supervise.plan import Plan
from headgate.supervise.systemd import activated
from headgate.supervise.upgrade import handed_down
from headgate.supervise.worker import Greet
from headgate.wire.binds import Sockets

log = logging.getLogger("headgate")


def processes(value: str) -> int:
    """A number of processes."""
    if not value.isdecimal():
        raise click.BadParameter(f"'{value}' is not a whole number, 0 or more")
    return int(value)


@click.command()
@click.argument("policies", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--bind", multiple=True, metavar="HOST:PORT", help="Where to listen; 127.0.0.1:8080 if not given.")
@click.option(
    "--bind-tls", multiple=True, metavar="HOST:PORT", help="Where to listen with TLS; needs --cert and --key."
)
@click.option("--bind-quic", multiple=True, metavar="HOST:PORT", help="Where to listen for HTTP/3; needs aioquic.")
@click.option("--cert", type=click.Path(path_type=Path), help="The certificate chain, in PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="Its key, in PEM.")
@click.option("--workers", type=processes, metavar="N", help="How many processes serve; one a core if not given.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log looks.")
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
    workers: int | None,
    log_format: str | None,
    no_access_log: bool,
    no_reload: bool,
) -> None:
    """Serve POLICIES, a file or a folder, until SIGTERM.

    SIGHUP and changed files reload, SIGUSR2 starts the program anew without losing a request. With `--workers 0` one
    process does it all: nothing replaces it when it dies, and it cannot be asked for its status.
    """
    flags: dict[str, Any] = {
        "policies": str(policies) if policies else None,
        "bind": list(bind) or None,
        "log_format": log_format,
    }
    tls = {name: str(file) for name, file in (("cert", cert), ("key", key)) if file is not None}
    flags.update(bind_tls=list(bind_tls) or None, bind_quic=list(bind_quic) or None, tls=tls or None)
    work.flags.update(flags, access_log=False if no_access_log else None, reload=False if no_reload else None)
    work.flags.update(workers=workers)
    inherited, heir = handed_down(os.environ)
    voice = Voice(work.placed, log_format, os.environ)
    with voice.errors():
        settings = work.settings
        voice.heed(settings)
        voice.broken(work.plugins.broken)
        _run(work, settings, voice, inherited, heir)


def _run(
    work: Work,
    settings: Settings,
    voice: Voice,
    inherited: Sockets,
    heir: socket.socket | None,
) -> None:
    if (settings.tls.cert or settings.tls.certificates) and not (settings.bind_tls or settings.bind_quic):
        log.warning("there is a certificate, and nothing is bound with TLS: `bind_tls` or --bind-tls says where")
    check_open_files(limits_of(settings).connections, raise_open_files())
    inherited = inherited or activated(os.environ, settings.bind)
    count = usable_cores() if settings.workers is None else settings.workers
    greet = functools.partial(welcome, workers=count, to_person=not voice.as_json)
    if not count:
        _serve_alone(work, settings, voice, greet, inherited or None)
        return
    argv = [sys.executable, *sys.orig_argv[1:]]
    show = functools.partial(error_text, work.placed)
    plan = Plan(settings, work.plugins, count, show, voice.say, voice.dress, greet, voice.colour, argv, inherited, heir)
    sys.exit(Master(plan).run())


def _serve_alone(work: Work, settings: Settings, voice: Voice, greet: Greet, sockets: Sockets | None) -> None:
    seen = stamps(Path(settings.policies))
    try:
        ready = prepare(settings, work.plugins)
    except PolicyError as error:
        voice.end(error, NOTHING_SERVED)
    sys.exit(
        trio.run(_serve, work, voice, greet, ready, seen, sockets, restrict_keyboard_interrupt_to_checkpoints=True)
    )


async def _serve(work: Work, voice: Voice, greet: Greet, ready: Ready, seen: Stamps, sockets: Sockets | None) -> int:
    settings = work.settings

    def report(error: HeadgateError | None) -> None:
        """What a reload came to."""
        said = (
            "reloaded"
            if error is None
            else f"{error_text(work.placed, error, voice.colour)}\nwhat was serving goes on serving"
        )
        voice.say(said, wrong=error is not None)

    async with open_server(settings, work.plugins, ready) as server, trio.open_nursery() as nursery:
        nursery.start_soon(signals, server, report)
        async with trio.open_nursery() as running:
            await running.start(server.run, sockets)
            settle_collector()
            voice.say(await greet(server, server.addresses, server.probes))
            if settings.reload:
                nursery.start_soon(reload_on, server, changes(Path(settings.policies), seen), report)
        nursery.cancel_scope.cancel()
    return int(server.was_cut)
