"""What a `model` resource says of its model, over what is known of it: a contract's price, a local model's abilities."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from headgate.api import Money
from headgate_ai.catalog import ABILITIES, INPUTS, Entry
from headgate_ai.prices import given


@dataclass(frozen=True, slots=True)
class Said:
    """What is said; None leaves what is known. Of a list that is said, the rest is not there: `abilities = []` can
    nothing."""

    context: int | None = None
    most_output: int | None = None
    inputs: list[str] | None = None
    abilities: list[str] | None = None
    price: dict[str, Money] | None = None

    def over(self, known: Entry) -> Entry:
        """What is known, with what is said in its place. ValueError for words that mean nothing here."""
        return replace(
            known,
            context=known.context if self.context is None else self.context,
            most_output=known.most_output if self.most_output is None else self.most_output,
            inputs=known.inputs if self.inputs is None else frozenset(_words("inputs", self.inputs, INPUTS)),
            abilities=known.abilities if self.abilities is None else _abilities(self.abilities),
            prices=known.prices if self.price is None else given(self.price),
        )


def _abilities(said: list[str]) -> dict[str, bool]:
    words = _words("abilities", said, ABILITIES)
    return {name: name in words for name in ABILITIES}


def _words(field: str, said: list[str], known: Collection[str]) -> list[str]:
    if strange := [word for word in said if word not in known]:
        raise ValueError(f"`{field}` knows no {strange[0]}; it knows {', '.join(known)}")
    return said
