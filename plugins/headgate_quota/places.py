"""Places that all processes on one data folder share, each taken by one call at a time.

1. A place is a byte of a file that nobody writes. Who is in it has it locked (OFD locks, fcntl(2)). Locks are the system's:
   what a process has taken is free the moment it dies, however it dies, and nobody has to be asked.
2. Which bytes belong to which bucket is worked out from the bucket's name: 42 bits of a digest, a million places each. The
   file holds nothing, and does not grow.
3. Who waits has another byte locked, shared with others who wait. So a process can see whether anybody waits elsewhere.
4. A place of our own is never asked for again: a lock is no obstacle to whoever has it.
5. The system looks through the locks of a file one by one, so there are sixteen files.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path
from typing import Final

from headgate.api import StoreError

FOLDER: Final = "places"
FILES: Final = 16
MOST: Final = 1 << 20
_FLOCK: Final = "hhqqi"
_WAITING: Final = MOST


def shared_places(data: Path) -> Places | None:
    """Those of a data folder; None where the system has no such locks. StoreError where no file can be made."""
    return Places(data / FOLDER) if hasattr(fcntl, "F_OFD_SETLK") else None


class Places:
    """This process's view of them."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._files = [os.open(folder / f"{number:x}", flags, 0o600) for number in range(FILES)]
        except OSError as error:
            raise StoreError(f"{folder} cannot be made or opened: {error.strerror}") from error

    def __repr__(self) -> str:
        return f"<Places {len(self._files)} files>"

    def take(self, bucket: int, most: int, mine: Collection[int]) -> int | None:
        """A place of the first `most` that nobody is in, and we are not; None where there is none."""
        place, most = 0, min(most, MOST)
        while place < most:
            if place in mine:
                place += 1
            elif self._lock(bucket, place, fcntl.F_WRLCK):
                return place
            else:
                place = self._behind(bucket, place)
        return None

    def give_back(self, bucket: int, place: int) -> None:
        """Nobody is in it any more."""
        self._lock(bucket, place, fcntl.F_UNLCK)

    def say_waiting(self, bucket: int, waiting: bool) -> None:
        """Let others know whether somebody here waits for a place."""
        self._lock(bucket, _WAITING, fcntl.F_RDLCK if waiting else fcntl.F_UNLCK)

    def others_wait(self, bucket: int) -> bool:
        """Whether somebody waits in another process."""
        return self._obstacle(bucket, _WAITING, 1) is not None

    def close(self) -> None:
        """Give everything back."""
        while self._files:
            os.close(self._files.pop())

    def _lock(self, bucket: int, place: int, kind: int) -> bool:
        try:
            fcntl.fcntl(self._file(bucket), fcntl.F_OFD_SETLK, _range(kind, bucket, place, 1))
        except BlockingIOError:
            return False
        return True

    def _behind(self, bucket: int, place: int) -> int:
        """The first place from here on that may be free: behind what the one who has this one has taken in a row."""
        found = self._obstacle(bucket, place, 1)
        return place if found is None else found[0] + found[1]  # None: it was given back in this moment

    def _obstacle(self, bucket: int, place: int, count: int) -> tuple[int, int] | None:
        """Of these places, one that another process has taken (not the first of them), and how many in a row from there."""
        asked = _range(fcntl.F_WRLCK, bucket, place, count)
        kind, _, start, length, _ = struct.unpack(_FLOCK, fcntl.fcntl(self._file(bucket), fcntl.F_OFD_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else (start - _first(bucket), length)

    def _file(self, bucket: int) -> int:
        return self._files[bucket % FILES]


def bucket_of(*names: str | bytes) -> int:
    """The number of a bucket."""
    text = b"\0".join(name.encode() if isinstance(name, str) else name for name in names)
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def _first(bucket: int) -> int:
    return (bucket >> 22) * 2 * MOST


def _range(kind: int, bucket: int, place: int, count: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, _first(bucket) + place, count, 0)
