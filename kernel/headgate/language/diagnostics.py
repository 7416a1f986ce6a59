"""Findings: what is wrong, where, why, and what to do about it.

The codes and what each means are one table, `language.codes`; a finding whose code is not in it is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass

from headgate.language.source import Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `label` stands behind the carets; `notes` give the cause, `helps` the mend.

    `related` are other places that take part, each with a word on why. `severity` is "error" or "warning";
    only errors keep a policy from serving.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    related: tuple[tuple[Span, str], ...] = ()
    severity: str = "error"
