"""Readers of other people's bytes, each with what must hold of it whatever it is given.

    python -m tests.fuzz.head -max_total_time=600      one of them, guided by coverage
    make fuzz ARGS=-max_total_time=60                  all of them, one after another

A harness is a function `fuzz(data)` that raises when something does not hold, and `SEEDS` to begin with. atheris calls it
under `python -m`; the ordinary tests call it with the seeds, with what hypothesis makes of them, and with every input in
`corpus/<harness>/`, where each find is kept.
"""

HARNESSES = ("answers", "chunks", "documents", "events", "forms", "head", "hosts", "lane", "policies")
