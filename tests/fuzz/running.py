"""Runs a harness under atheris, with the seeds and what was found before to begin with."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def run(name: str, fuzz: Callable[[bytes], None], seeds: Sequence[bytes]) -> None:
    """Never returns: libFuzzer ends the process. Its options are the command line's; a find is written where it runs."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: run this with `make fuzz`, which installs it")
    logging.disable()
    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as folder:
        for place, seed in enumerate(seeds):
            (Path(folder) / f"seed{place}").write_bytes(seed)
        known = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
        atheris.Setup([sys.argv[0], folder, *known, *sys.argv[1:]], fuzz)
        atheris.Fuzz()
