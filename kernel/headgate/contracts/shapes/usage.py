from __future__ import annotations

import msgspec

from headgate.contracts.values import Money


class Usage(msgspec.Struct, kw_only=True):
    """What a call used: tokens by kind, and what it cost. Complete in `finally`.

    `input_tokens` includes the cached ones, `output_tokens` the reasoning ones, as the providers count them.
    `cost` is None where no price is known. `estimated` is True where the answer was cut and we counted.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    cost: Money | None = None
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def plus(self, other: Usage) -> Usage:
        """Both together. The cost is known where both costs are."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Usage(**counts, cost=cost, estimated=self.estimated or other.estimated)


_COUNTS = tuple(name for name in Usage.__struct_fields__ if name.endswith("_tokens"))
