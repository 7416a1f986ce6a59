"""Runs the tests that stand in policies: the very program that is served, on memory stores and a clock that jumps."""

from headgate.pipeline.rehearsal.runner import Outcome, build_findings, rehearse, rehearse_in_thread

__all__ = ["Outcome", "build_findings", "rehearse", "rehearse_in_thread"]
