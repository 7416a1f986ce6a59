"""The command line: `headgate VERB`. One file a verb, or for some that do the same thing; plugins bring verbs of their own.

Every verb takes `--data` and `--config`. Plugins are loaded when a verb needs them, and not for `--help`.
"""

from __future__ import annotations

import click

from headgate import __version__
from headgate.cli.group import Verbs

VERBS = {
    "check": "headgate.cli.check:check",
    "fmt": "headgate.cli.fmt:fmt",
    "help": "headgate.cli.explain:help_code",
    "reload": "headgate.cli.node:reload",
    "routes": "headgate.cli.routes:routes",
    "serve": "headgate.cli.serve:serve",
    "status": "headgate.cli.node:status",
    "steps": "headgate.cli.steps:steps",
    "test": "headgate.cli.test:test",
    "upgrade": "headgate.cli.node:upgrade",
}


@click.group(cls=Verbs, own=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headgate")
def main() -> None:
    """An API and AI gateway whose routes are typed, tested policies."""


__all__ = ["main"]
