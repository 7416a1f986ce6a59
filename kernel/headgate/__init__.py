"""Headgate: an API and AI gateway whose routes are typed, tested policies."""

__version__ = "0.1.0"
