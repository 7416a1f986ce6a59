"""Strict JSON, under the names that this plugin's modules use."""

from headgate.api import NotStrict, refuse_lookalikes
from headgate.api import strict_json as decode

__all__ = ["NotStrict", "decode", "refuse_lookalikes"]
