"""How a client of some API expects to be spoken to, beyond HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.message.response import Response


class Dialect(Protocol):
    """The shape of an API. The kernel asks it for errors only."""

    name: str
    """An `id_header: bytes` beside it names the line in which its clients look for a request's id, where that is not
    `x-request-id` alone."""

    def sample(self) -> object:
        """A small request body, as JSON values, for a call that a newcomer can paste."""
        ...

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        """An error as clients of this dialect parse it.

        `kind` is the failure's (`limit.exceeded`), or empty; `record` its fields, `where` it stands among them.
        """
        ...
