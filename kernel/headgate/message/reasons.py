"""What a status is called, in a status line and as the title of a problem document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

# RFC 9110 §15 has renamed four of them since; Python 3.13 knows.
REASONS: Final[dict[int, str]] = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
# A status that nobody knows is taken for the x00 of its class (RFC 9110 §15), and is called as the class is.
_CLASSES: Final = {1: "Informational", 2: "Successful", 3: "Redirection", 4: "Client Error", 5: "Server Error"}


def title(status: int) -> str:
    """The registered reason phrase, or the name of the class."""
    return REASONS.get(status) or _CLASSES.get(status // 100, "Error")
