"""How a worker's slices stand, in memory that outlives it.

1. A worker maps a file into its memory and writes there, at each reservation and settlement, what `contracts.slices`
   calls cells. That costs no system call. The pages are the system's: a worker that is killed loses none of them.
2. It holds the file locked as long as it lives. Who gets the lock knows that it is dead; nobody has to guess by time.
3. A power cut takes pages along. So the file says in which boot it was written, and one from another boot says nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import secrets
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headgate.api import CELLS, Standing
from headgate_sqlite.leases import BOOT_ID

FOLDER: Final = "workers"
# What has no place here when it dies is presumed to be spent, as after a power cut.
SLOTS: Final = 20_000
_CELL: Final = 8
_SIZE: Final = _CELL * (1 + CELLS * SLOTS)


def boot() -> int:
    """A number for this boot; 0 where boots have no names."""
    try:
        name = BOOT_ID.read_bytes()
    except OSError:
        return 0
    return int.from_bytes(hashlib.blake2b(name, digest_size=7).digest())


class Positions:
    """The cells of one process. The file is made with the first slice, and goes when the process ends in order."""

    def __init__(self, data: Path, worker: str) -> None:
        self.process = f"{worker}.{secrets.token_hex(4)}"
        self.file = data / FOLDER / self.process
        self._map: mmap.mmap | None = None
        self._cells: memoryview[int] | None = None
        self._fd = -1
        self._free: list[int] = []
        self._next = 0

    def __repr__(self) -> str:
        return f"<Positions {self.process} [{self._next - len(self._free)} slots]>"

    def take(self) -> tuple[MutableSequence[int], int, int]:
        """Cells for a slice: where they are, at which place, and the number of the slot; -1 for cells that die with us."""
        if self._cells is None:
            self._open()
        slot = self._free.pop() if self._free else self._next
        if slot >= SLOTS or self._cells is None:
            return [0] * CELLS, 0, -1
        self._next = max(self._next, slot + 1)
        at = 1 + CELLS * slot
        for place in range(at, at + CELLS):
            self._cells[place] = 0
        return self._cells, at, slot  # type: ignore[return-value]  # a memoryview is all of a sequence that we use

    def give_back(self, slot: int) -> None:
        if slot >= 0:
            self._free.append(slot)

    def _open(self) -> None:
        self.file.parent.mkdir(mode=0o700, exist_ok=True)
        new = self.file.with_name(f".{self.process}")
        self._fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        os.ftruncate(self._fd, _SIZE)
        self._map = mmap.mmap(self._fd, _SIZE)
        self._cells = memoryview(self._map).cast("q")
        self._cells[0] = boot()
        new.rename(self.file)  # locked before it has its name: who looks for the dead never finds it open

    def close(self, *, settled: bool) -> None:
        """Let go of the file; where not everything is settled it stays, for whoever looks for the dead."""
        if self._cells is None or self._map is None:
            return
        self._cells.release()
        self._map.close()
        self._cells = self._map = None
        if settled:
            self.file.unlink(missing_ok=True)
        os.close(self._fd)


class Corpse:
    """What a dead process left. `standing` is None where nobody can know."""

    def __init__(self, file: Path, data: bytes) -> None:
        self.file = file
        cells = memoryview(data[: len(data) // _CELL * _CELL]).cast("q")
        self._cells = cells if len(cells) and cells[0] and cells[0] == boot() else None

    def standing(self, slot: int) -> Standing | None:
        at = 1 + CELLS * slot
        if slot < 0 or self._cells is None or at + CELLS > len(self._cells):
            return None
        settled, overrun, open_ = self._cells[at : at + CELLS]
        return Standing(settled, overrun, open_)


@contextmanager
def corpse_of(data: Path, process: str) -> Iterator[Corpse | None]:
    """The remains of a process, locked against others who look, and removed at the end; None where it is alive."""
    file = data / FOLDER / process
    try:
        fd = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        yield Corpse(file, b"")
        return
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield Corpse(file, os.pread(fd, _SIZE, 0))
        file.unlink(missing_ok=True)
    finally:
        os.close(fd)


def processes(data: Path) -> list[str]:
    """Every process that has left a file, the living ones too."""
    folder = data / FOLDER
    return sorted(file.name for file in folder.iterdir() if file.name[0] != ".") if folder.is_dir() else []
