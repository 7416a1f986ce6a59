"""An ordered list of header lines, bytes all the way.

Names are lower case from the moment they are parsed, so nothing compares twice. A lookup walks the
list: requests carry a dozen lines, and a walk over a dozen beats building a dictionary for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Line = tuple[bytes, bytes]


class Headers:
    """Header lines in the order they came; names in lower case, values stripped of outer white space."""

    __slots__ = ("lines",)

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.lines: list[Line] = list(lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, name: bytes) -> bool:
        return any(line[0] == name for line in self.lines)

    def __repr__(self) -> str:
        return f"<Headers {len(self.lines)} lines>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.lines == other.lines

    __hash__ = None  # type: ignore[assignment]

    def get(self, name: bytes) -> bytes | None:
        """The first value of `name`, or None. What may stand once only was checked by the wire."""
        for key, value in self.lines:
            if key == name:
                return value
        return None

    def all(self, name: bytes) -> list[bytes]:
        """Every value of `name`, in order."""
        return [value for key, value in self.lines if key == name]

    def joined(self, name: bytes) -> bytes | None:
        """Every value of `name` as one list, comma-separated (RFC 9110 §5.3), or None."""
        values = [value for key, value in self.lines if key == name]  # `all`, without its frame: every request asks
        return b", ".join(values) if values else None

    def text(self, name: str) -> str | None:
        """What a policy sees as `request.header["name"]`: the joined value as latin-1 text, or None."""
        value = self.joined(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    def add(self, name: bytes, value: bytes) -> None:
        """Append one line; other lines of that name stay."""
        self.lines.append((name, value))

    def set(self, name: bytes, value: bytes) -> None:
        """Replace every line of that name by one."""
        for line in self.lines:
            if line[0] == name:
                self.remove(name)
                break
        self.lines.append((name, value))

    def remove(self, name: bytes) -> None:
        """Drop every line of that name; none is fine."""
        if any(line[0] == name for line in self.lines):
            self.lines = [line for line in self.lines if line[0] != name]

    def remove_alike(self, name: bytes) -> None:
        """Drop every line of that name, with `-` or `_`: to CGI and WSGI both are the same name."""
        dashed = name.replace(b"_", b"-")
        if any(line[0].replace(b"_", b"-") == dashed for line in self.lines):
            self.lines = [line for line in self.lines if line[0].replace(b"_", b"-") != dashed]
