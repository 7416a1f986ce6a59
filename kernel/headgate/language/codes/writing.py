"""E0xx: how it is written, names, parameters."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

WRITING: Final[dict[str, Code]] = {
    "E001": Code(
        "This cannot be read",
        "The text does not follow the grammar of the language. The finding points to the first place where it "
        "could not be read on, and says what was expected there. The rest of the file is read all the same, "
        "without that statement.",
        "let limit =",
        "let limit = 20",
    ),
    "E002": Code(
        "There is no such parameter",
        "The step, the function, the fragment, the resource or the route takes no parameter of that name, or "
        "takes fewer values without a name. `headgate steps NAME` prints what a step takes.",
        'auth.jwt issuer="https://id.example.com" audiense="orders"',
        'auth.jwt issuer="https://id.example.com" audience="orders"',
    ),
    "E003": Code(
        "There is no such name here",
        "A name can be used from the line that binds it (`as`, `let`, `const`, `import`) to the end of its block. "
        "Names bound in a block are gone below it; a block hands one value out by `} as x`.",
        'if request.method == "POST" { read.chat as chat }\nset request.header["x-model"] = chat.model',
        'if request.method == "POST" {\n    read.chat as chat\n    set request.header["x-model"] = chat.model\n}',
    ),
    "E004": Code(
        "There is no such step",
        "No installed plugin has a step of that name. `headgate steps` lists those that there are; a step of a "
        "plugin that is not installed is not known.",
        "limit.rates 100/min by=client.ip",
        "limit.rate 100/min by=client.ip",
    ),
    "E005": Code(
        "A parameter is missing",
        "The step, function, fragment or resource has a parameter without a default, and the line does not give it.",
        'auth.jwt issuer="https://id.example.com"',
        'auth.jwt issuer="https://id.example.com" audience="orders"',
    ),
    "E006": Code(
        "This name is taken",
        "A name is bound once in its scope, and never anew below it, so that a line means the same wherever it is "
        "read. Names that the language itself gives (`request`, `client`, `route`, `now`, `response`) cannot be "
        "bound.",
        "let client = request.host",
        "let caller_host = request.host",
    ),
    "E007": Code(
        "Given twice",
        "A parameter, or a key of an object, is given one value; an answer has one body; a method or a case stands once.",
        "forward orders timeout=2s timeout=5s",
        "forward orders timeout=5s",
    ),
    "E008": Code(
        "This step cannot be shadowed",
        "`shadow` computes and records what a deciding step would do, without doing it. Only steps that decide, "
        "and say that they can be shadowed, take it; one that changes something cannot.",
        "shadow guard.size 1MB",
        "shadow limit.rate 30/min by=client.ip",
    ),
    "E009": Code(
        "This step may not be optional",
        "A failure is never a pass. Only steps that merely observe (log, meter, mirror) may be marked `optional`: "
        "no decision hangs on them.",
        "optional auth.key",
        "optional log.call",
    ),
    "E010": Code(
        "The block does not fit the step",
        "Some steps wrap lines in a block, others take none. `split` holds shares (`95% { … }`), `fallback` "
        "alternatives.",
        "limit.rate 100/min by=client.ip {\n    forward orders\n}",
        "limit.rate 100/min by=client.ip\nforward orders",
    ),
    "E011": Code(
        "Handlers stand at the end",
        "`on` and `finally` stand at the end of a route, a fragment or a block. No other line follows them.",
        "on upstream.timeout { respond 504 }\nforward orders",
        "forward orders\non upstream.timeout { respond 504 }",
    ),
    "E012": Code(
        "This line stands in the wrong place",
        "`given`, `send`, `expect`, `after` and `repeat` belong into a test, and so do the functions that ask what "
        "happened: `called(orders)`. All other lines belong into a route or a fragment.",
        "expect response.status == 200",
        'if request.method == "PUT" { respond 405 }',
    ),
    "E013": Code(
        "There is no value to bind",
        "`as` binds what a step, a block or a fragment gives. This one gives nothing.",
        "log.call as row",
        "auth.key as key",
    ),
    "E014": Code(
        "This cannot be changed",
        "`set` and `remove` change headers, query parameters, path and host of the request, fields of a body that "
        "a line has read, and headers and status of the response. Nothing else.",
        'set client.ip = "10.0.0.1"',
        'set request.header["x-real-ip"] = client.ip',
    ),
    "E015": Code(
        "This cannot run in parallel",
        "The lines of `parallel` run at once, and each binds a value. Lines that decide, change the request or "
        "answer it have an order, so they stand outside.",
        "parallel {\n    call stock as stock_now\n    forward orders\n}",
        "parallel {\n    call orders as order\n    call stock as stock_now\n}\nrespond 200",
    ),
    "E016": Code(
        "Nothing raises this",
        "A handler, and `fail(…)` in a test, name a kind of failure; no step of the installed plugins raises this "
        "one. `headgate steps NAME` prints what a step raises.",
        "limit.rate 100/min\nforward orders\non limit.exceded { respond 429 }",
        "limit.rate 100/min\nforward orders\non limit.exceeded { respond 429 }",
    ),
    "E017": Code(
        "A handler stands among alternatives",
        "The lines of `fallback`, `split` and their like are alternatives. A handler there would belong to none of "
        "them: put it at the end of an arm, where it answers for that arm, or behind the block, where it answers when "
        "no alternative is left.",
        "fallback {\n    forward one\n    forward two\n    on upstream.* { respond 503 }\n}",
        "fallback {\n    forward one\n    forward two\n}\non upstream.* { respond 503 }",
    ),
    "E020": Code(
        "`and` and `or` are mixed",
        "Which of the two binds tighter is a thing that readers get wrong, so parentheses say it.",
        'require a == 1 and b == 2 or c == 3 else 403 "No."',
        'require (a == 1 and b == 2) or c == 3 else 403 "No."',
    ),
    "E021": Code(
        "A word of the language cannot be a name",
        "What one binds by `as`, `let`, `const` and the like cannot be called `if`, `match`, `in` and so on. As "
        "names of parameters and fields these words are free.",
        "let match = 1",
        "let matched = 1",
    ),
    "E022": Code(
        "This text must be known as it stands",
        "The path of an import, the name of a test, a key of an object and the texts of a type are no values that "
        "could be computed: they hold no `{…}`.",
        'import "shared/{name}.policy" as shared',
        'import "shared/edge.policy" as shared',
    ),
    "E023": Code(
        "The edition is missing or unknown",
        "The first line of every policy names the edition of the language that it is written in, so that a later "
        "edition can change what a line means without changing what this file does.",
        "policy 7",
        "policy 1",
    ),
    "E024": Code(
        "Nested too deep",
        "Expressions and blocks nest up to a limit that no person reaches by hand; a chain of operators counts as "
        "well.",
        'require a == "1" or a == "2" or a == "3" else 403 "And so on, a hundred times."',
        'require a in ["1", "2", "3"] else 403 "No."',
    ),
}
