"""The keys of a provider, and what its answers say of them.

1. A model has one key or several. Several are a pool: calls go round, and a key that the provider limits is left alone
   until the time it said; one that is out of credit or invalid, for some minutes, since a person may mend it any time.
2. A key that fails is no failure of the call while another one is fine: the call is tried again with that.
3. A single key is always tried: the provider knows better than we what it still lets pass.
"""

from __future__ import annotations

from typing import Final, Literal

from headgate.api import Secret

State = Literal["ok", "limited", "out of credit", "invalid"]
# How long a state lasts where the provider does not say. What a person has to mend is looked at again now and then.
REST_S: Final[dict[State, float]] = {"ok": 0.0, "limited": 2.0, "out of credit": 300.0, "invalid": 300.0}
# The longest that a provider is believed.
_LONGEST_S: Final = 3600.0
_NO_CREDIT: Final = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "credit_balance_too_low"}
)


class Pool:
    """Keys that do the same. Its state is the node's, by worker; a reload begins anew."""

    __slots__ = ("_next", "_rests", "secrets")

    def __init__(self, secrets: list[Secret]) -> None:
        self.secrets = secrets
        self._rests: list[tuple[State, float]] = [("ok", 0.0)] * len(secrets)
        self._next = 0

    def __repr__(self) -> str:
        states = ", ".join(
            f"{secret.name} {state}" for secret, (state, _) in zip(self.secrets, self._rests, strict=True)
        )
        return f"<Pool {states or 'empty'}>"

    def choose(self, now: float, tried: set[int]) -> int | None:
        """The next key that is fine and was not tried; where none is, the one that rests the shortest. None where all
        were tried."""
        count = len(self.secrets)
        left = [(self._next + step) % count for step in range(count) if (self._next + step) % count not in tried]
        if not left:
            return None
        best = min(left, key=lambda place: max(0.0, self._rests[place][1] - now))
        self._next = (best + 1) % count
        return best

    def fine(self, now: float, tried: set[int]) -> bool:
        """Whether there is a key that was not tried and does not rest."""
        return any(until <= now for place, (_, until) in enumerate(self._rests) if place not in tried)

    def state(self, place: int, now: float) -> State:
        state, until = self._rests[place]
        return state if until > now else "ok"

    def learn(self, place: int, state: State, now: float, wait_s: float | None = None) -> None:
        """What an answer said of a key."""
        rest = REST_S[state] if wait_s is None else min(wait_s, _LONGEST_S)
        self._rests[place] = (state, now + rest if state != "ok" else 0.0)


# Who answers 400 for a key that is none says so with one of these.
_NO_KEY: Final = frozenset({"API_KEY_INVALID", "invalid_api_key"})


def state_of(status: int, code: object) -> State:
    """What a status and a provider's code say of the key that was used."""
    if status in (401, 403) or code in _NO_KEY:
        return "invalid"
    if status == 402 or code in _NO_CREDIT:
        return "out of credit"
    return "limited" if status == 429 else "ok"
