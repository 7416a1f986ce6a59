"""The front of the language: `parse(source)` gives a tree and findings, whatever the text."""

from headgate.language.parse.driver import parse

__all__ = ["parse"]
