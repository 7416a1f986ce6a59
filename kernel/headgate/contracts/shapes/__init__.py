"""Frozen records that plugins share: who calls, what was served, what was used."""

from headgate.contracts.shapes.caller import Caller
from headgate.contracts.shapes.key import Key
from headgate.contracts.shapes.served import Attempt, Served
from headgate.contracts.shapes.usage import Usage

__all__ = ["Attempt", "Caller", "Key", "Served", "Usage"]
