"""Which call a tool's result answers. Gemini's results may have no id: then they are told by name and by order."""

from __future__ import annotations

from headgate_gemini import ids


class Calls:
    """The calls of one conversation, as they are read one after the other."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str, str | None]] = []
        self._made = 0

    def __repr__(self) -> str:
        return f"<Calls {self._made} made, {len(self._open)} open>"

    def call(self, own: str | None, signature: str | None, name: str) -> str:
        """The id of a call."""
        ident = ids.pack(own, signature, str(self._made))
        self._made += 1
        self._open.append((ident, name, own))
        return ident

    def result(self, own: str | None, name: str) -> str:
        """The id of the call that a result answers: the first open one with its id, else with its name."""
        for place, (ident, called, known) in enumerate(self._open):
            if own == known if own and known else called == name:
                del self._open[place]
                return ident
        return own or ids.pack(None, None, f"{name}?")
