"""E2xx: what happens before and after an answer."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

FLOW: Final[dict[str, Code]] = {
    "E201": Code(
        "This is not known yet",
        "`response` and `served` exist below the line that gets the answer (`forward`, `ai.chat`), `caller` below an "
        "`auth.*` step, on every path to here; `usage`, `outcome` and `duration` are complete in `finally`.",
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
    "E206": Code(
        "This comes too late",
        "The step does something with the request that is still to be sent, and the answer is there already: it "
        "belongs above the line that gets the answer.",
        "forward orders\nguard.size 1MB",
        "guard.size 1MB\nforward orders",
    ),
    "E207": Code(
        "The name may not be bound yet",
        "A handler runs when some line above it has failed, and then the lines below that one did not run. It may use "
        "the names that are bound before every line that can raise its kinds. The finding shows a line that can raise "
        "one of them earlier.",
        'call stock as stock_now\nforward orders\non upstream.* { respond 502 text="in stock: {stock_now.status}" }',
        "call stock as stock_now\nfallback {\n    {\n        forward orders\n"
        '        on upstream.* { respond 502 text="in stock: {stock_now.status}" }\n    }\n}',
    ),
    "E208": Code(
        "Something has to come first",
        "The step works with what another step finds out or reads, so one that gives it stands above it, on every "
        "path to here. `headgate steps NAME` prints what a step needs and what it gives.",
        "ai.chat gpt",
        "read.chat\nai.chat gpt",
    ),
    "W201": Code(
        "The handler never runs",
        "A handler stands for the lines of its own block, and none of them raises this kind. `headgate steps NAME` "
        "prints what a step raises; the lines of a fragment are those of the block that uses it.",
        "respond 200\non limit.exceeded { respond 429 }",
        "limit.rate 100/min by=client.ip\nrespond 200\non limit.exceeded { respond 429 }",
    ),
    "E205": Code(
        "`finally` only observes",
        "When `finally` runs the answer is gone. Its lines may log, meter and mirror; they cannot decide or change.",
        "finally { respond 200 }",
        "finally { log.call }",
    ),
}
