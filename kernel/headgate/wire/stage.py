"""How far an answer has come."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    EMPTY = "empty"
    PREPARED = "prepared"
    BEGUN = "begun"
    ENDED = "ended"
    CUT = "cut"
