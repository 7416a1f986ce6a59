"""The table `[sqlite]` of `headgate.toml`."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]


class SqliteSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`keep_days`: how many days of call logs are kept beside today's; 0 keeps all.

    `patience_s`: how long a write waits for a locked file before it fails. `queue_rows`: how many rows of the call log
    wait in memory while they cannot be written; what comes beyond is dropped and counted. `stale_s`: how long keys are
    still believed when `state.db` can no longer be read; after that every key is refused.
    """

    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 30
    patience_s: Positive = 2.0
    queue_rows: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    stale_s: Positive = 5.0
