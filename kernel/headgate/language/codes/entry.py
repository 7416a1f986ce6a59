"""What is known of a code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`title` in a few words, `explanation` in a paragraph, and an example of each kind, as it stands in a policy. Where a node's
    settings mend it, `settings` are these, and the policy stays as it is."""

    title: str
    explanation: str
    bad: str
    good: str
    settings: str = ""

    @property
    def examples(self) -> list[tuple[str, str]]:
        """What stands above each example, and the example."""
        rows = (
            ("It is found in", self.bad),
            ("Mended", "" if self.settings else self.good),
            ("Mended in `headgate.toml`", self.settings),
        )
        return [(title, example.strip("\n")) for title, example in rows if example]
