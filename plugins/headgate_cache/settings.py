"""The table `[cache]` of `headgate.toml`."""

from __future__ import annotations

from typing import Annotated

import msgspec


class CacheSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`memory_mb`: how much each worker keeps in memory, where no plugin keeps it elsewhere."""

    memory_mb: Annotated[int, msgspec.Meta(ge=1)] = 64
