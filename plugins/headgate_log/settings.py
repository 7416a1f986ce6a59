"""The table `[log]` of headgate.toml."""

from __future__ import annotations

from typing import Literal

import msgspec


class LogSettings(msgspec.Struct, kw_only=True):
    """`format`: how a line of the access log looks. `access`: whether there is an access log at all."""

    format: Literal["text", "json"] = "text"
    access: bool = True
