"""A block that other dialects do not know, while it grows: by its input, or by texts under the names of its own fields.

1. What grows is kept in its pieces, and put together when the block is complete.
2. All blocks of a stream that are hidden have one bound, for nothing of them goes out before they are complete.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import Garbled
from headgate_anthropic.arguments import asked

# As of one event (`MAX_BLOCK` of the splitter): whoever writes such a block writes it in one.
MAX_HIDDEN: Final = 16 << 20
_IN: Final = "input_json_delta"


class _Block:
    """One of them."""

    __slots__ = ("input", "pieces", "size", "value")

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.input: list[str] = []
        self.pieces: dict[str, list[str]] = {}
        self.size = len(msgspec.json.encode(value))

    def grow(self, delta: dict[str, Any]) -> None:
        if delta.get("type") == _IN:
            self._keep(self.input, delta["partial_json"])
            return
        for name, more in delta.items():
            if name != "type" and more is not None:
                self._set(name, more)

    def _set(self, name: str, more: Any) -> None:
        if not isinstance(more, str):
            self.pieces.pop(name, None)
            self.value[name] = more
            self.size += len(msgspec.json.encode(more))
            return
        before = self.value.get(name)
        self._keep(self.pieces.setdefault(name, [before] if isinstance(before, str) else []), more)

    def _keep(self, pieces: list[str], more: str) -> None:
        pieces.append(more)
        self.size += len(more)

    def whole(self) -> dict[str, Any]:
        grown: dict[str, Any] = {name: "".join(pieces) for name, pieces in self.pieces.items()}
        if self.input:
            grown["input"] = asked("".join(self.input))
        return {**self.value, **grown}


class Hidden:
    """Those that have begun and are not complete, by the provider's index."""

    __slots__ = ("_blocks", "_size")

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._size = 0

    def __repr__(self) -> str:
        return f"<Hidden {len(self._blocks)} blocks, {self._size} bytes>"

    def __contains__(self, place: int) -> bool:
        return place in self._blocks

    def places(self) -> list[int]:
        """Where they are, in the order in which they began."""
        return [*self._blocks]

    def begin(self, place: int, value: dict[str, Any]) -> None:
        """One more. Garbled beyond the bound."""
        if place in self._blocks:
            self.end(place)
        self._blocks[place] = _Block(value)
        self._count(self._blocks[place].size)

    def grow(self, place: int, delta: dict[str, Any]) -> None:
        """More of one. Garbled beyond the bound."""
        block = self._blocks[place]
        before = block.size
        block.grow(delta)
        self._count(block.size - before)

    def end(self, place: int) -> dict[str, Any]:
        """All of one that is complete."""
        block = self._blocks.pop(place)
        self._size -= block.size
        return block.whole()

    def _count(self, more: int) -> None:
        self._size += more
        if self._size > MAX_HIDDEN:
            raise Garbled(f"with blocks of more than {MAX_HIDDEN} bytes that are not complete")
