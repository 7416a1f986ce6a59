"""E2xx: what happens before and after an answer."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

FLOW: Final[dict[str, Code]] = {
    "E201": Code(
        "There is no response yet",
        "`response` and `served` exist below the line that gets the answer (`forward`, `ai.chat`), on every path "
        "to here.",
        'set response.header["x-a"] = "1"\nforward orders',
        'forward orders\nset response.header["x-a"] = "1"',
    ),
    "E202": Code(
        "Nothing answers here",
        "Every path through a route ends in one answer: `forward`, `ai.chat`, `respond`, `redirect`, or a "
        "`require` that fails. This one ends without.",
        'if request.method == "GET" { forward orders }',
        'if request.method == "GET" { forward orders } else { respond 405 }',
    ),
    "E203": Code(
        "A second answer",
        "A request is answered once. A path that has got its answer meets another line that would answer.",
        "forward orders\nrespond 200",
        "forward orders",
    ),
    "E204": Code(
        "This line is never reached",
        "Every path to it has ended above.",
        "respond 200\nlog.call",
        "log.call\nrespond 200",
    ),
    "E205": Code(
        "`finally` only observes",
        "When `finally` runs the answer is gone. Its lines may log, meter and mirror; they cannot decide or change.",
        "finally { respond 200 }",
        "finally { log.call }",
    ),
}
