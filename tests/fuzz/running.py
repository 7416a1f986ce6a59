"""Runs a harness under atheris, with the seeds and what was found before to begin with."""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def run(name: str) -> None:
    """Never returns: libFuzzer ends the process. Its options are the command line's; a find is written where it runs."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: run this with `make fuzz`, which installs it")
    logging.disable(logging.WARNING)
    # What the harness has imported already does not tell what it covers; it is imported again so that it does.
    for module in [module for module in sys.modules if module.partition(".")[0] == "headgate"]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["headgate"], enable_loader_override=False):
        harness = importlib.import_module(f"tests.fuzz.{name}")
    with tempfile.TemporaryDirectory() as folder:
        for place, seed in enumerate(harness.SEEDS):
            (Path(folder) / f"seed{place}").write_bytes(seed)
        known = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
        atheris.Setup([sys.argv[0], folder, *known, *sys.argv[1:]], harness.fuzz)
        atheris.Fuzz()
