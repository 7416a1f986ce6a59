"""The keys of a provider, and what its answers say of them.

1. A model has one key or several. Several are a pool: calls go round, and a key that the provider limits is left alone
   until the time it said; one that is out of credit or invalid, for some minutes, since a person may mend it any time.
2. A key that fails is no failure of the call while another one is fine: the call is tried again with that.
3. A single key is always tried: the provider knows better than we what it still lets pass. A key that is not set is none,
   while another one is.
4. What an error says of a key, its dialect knows (`Refusal.key`), else a few statuses (`state_of`). Every other error is
   about the request, and no client can rest a key with requests of its own making.
"""

from __future__ import annotations

import math
import re
from collections import deque
from typing import Final

from headgate.api import Line, Secret
from headgate.api.ai import KeyState, Refusal
from headgate_ai.hiding import pattern_of

# How long a state lasts where the provider does not say. What a person has to mend is looked at again now and then.
REST_S: Final[dict[KeyState, float]] = {"ok": 0.0, "limited": 2.0, "out of credit": 300.0, "invalid": 300.0}
# The longest that a provider is believed.
_LONGEST_S: Final = 3600.0
# Tokens that were got for the keys and may still come back in an error.
_TOKENS: Final = 16
_BY_STATUS: Final[dict[int, KeyState]] = {401: "invalid", 402: "out of credit", 429: "limited"}


class Pool:
    """Keys that do the same. Its state is the node's, by worker; a reload begins anew."""

    __slots__ = ("_hidden", "_lines", "_next", "_rests", "_tokens", "secrets")

    def __init__(self, secrets: list[Secret]) -> None:
        self.secrets = secrets
        # Where none is set all are alike: the failure names the one to set, and in-file tests need none.
        needed = any(secret.is_set for secret in secrets)
        self._rests: list[tuple[KeyState, float]] = [
            ("invalid", math.inf) if needed and not secret.is_set else ("ok", 0.0) for secret in secrets
        ]
        # The lines that show a key, by its place, once it was shown.
        self._lines: dict[int, list[Line]] = {}
        self._next = 0
        self._tokens: deque[str] = deque(maxlen=_TOKENS)
        self._hidden: re.Pattern[bytes] | None = None

    def __repr__(self) -> str:
        states = ", ".join(
            f"{secret.name} {state}" for secret, (state, _) in zip(self.secrets, self._rests, strict=True)
        )
        return f"<Pool {states or 'empty'}>"

    def choose(self, now: float, tried: set[int]) -> int | None:
        """The next key that is fine and was not tried; where none is, the one that rests the shortest. None where all
        were tried."""
        count = len(self.secrets)
        if count == 1 and not tried:
            return 0
        left = [(self._next + step) % count for step in range(count) if (self._next + step) % count not in tried]
        if not left:
            return None
        best = min(left, key=lambda place: max(0.0, self._rests[place][1] - now))
        self._next = (best + 1) % count
        return best

    def fine(self, now: float, tried: set[int]) -> bool:
        """Whether there is a key that was not tried and does not rest."""
        return any(until <= now for place, (_, until) in enumerate(self._rests) if place not in tried)

    def state(self, place: int, now: float) -> KeyState:
        state, until = self._rests[place]
        return state if until > now else "ok"

    def wait_s(self, now: float) -> float:
        """Seconds until a key is fine again."""
        return max(0.0, min((until for _, until in self._rests), default=0.0) - now)

    def lines(self, place: int) -> list[Line] | None:
        """The lines that show a key, where it was shown before."""
        return self._lines.get(place)

    def showed(self, place: int, lines: list[Line]) -> None:
        """It was shown by these lines, and always is."""
        self._lines[place] = lines

    def got(self, token: str) -> None:
        """A token was got for one of the keys: it is as secret as they are."""
        if token not in self._tokens:
            self._tokens.append(token)
            self._hidden = None

    @property
    def hidden(self) -> re.Pattern[bytes] | None:
        """Every form of the keys and of what was got for them; None where there is nothing to hide."""
        if self._hidden is None:
            self._hidden = pattern_of([*(one.reveal() for one in self.secrets if one.is_set), *self._tokens])
        return self._hidden

    def learn(self, place: int, state: KeyState, now: float, wait_s: float | None = None) -> None:
        """What an answer said of a key. An error that is about the request says nothing: what rests goes on resting."""
        if state == "ok":
            return
        # How long to wait is said of a limit; who has no credit is told how soon the next request would be taken.
        rest = min(wait_s, _LONGEST_S) if wait_s is not None and state == "limited" else REST_S[state]
        self._rests[place] = (state, now + rest)


def state_of(status: int, said: Refusal | None) -> KeyState:
    """What an error says of the key that was used; "ok" where it says nothing."""
    if said is not None and said.key is not None:
        return said.key
    return _BY_STATUS.get(status, "ok")
