"""E6xx: imports and fragments. E7xx: the tests in the file. E8xx: resources, plugins, configuration."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

SHARING: Final[dict[str, Code]] = {
    "E601": Code(
        "The imported file cannot be used",
        "The path of an import is relative to the file that imports, and stays inside the folder of the policies.",
        'import "../../edge.policy" as edge',
        'import "shared/edge.policy" as edge',
    ),
    "E602": Code(
        "The files import each other",
        "Imports form no circle: what two files share stands in a third.",
        'import "self.policy" as self',
        'import "shared/edge.policy" as edge',
    ),
    "E603": Code(
        "There is no such fragment",
        "`use` calls a fragment of this file, or one of an imported file under the name of the import.",
        "use edge.standart(body=1MB)",
        "use edge.standard(body=1MB)",
    ),
    "E604": Code(
        "The fragment uses itself",
        "Fragments are expanded when the policy is compiled, and every policy ends: there is no recursion.",
        "fragment standard() { use standard() }",
        "fragment standard() { log.call }",
    ),
    "E605": Code(
        "The fragments grow too large",
        "Each `use` puts the lines of a fragment in its place. Fragments that use each other several times multiply, "
        "and long chains of them nest: there is a limit for both, which nothing that is written for people reaches.",
        "fragment f1() { use f2() }\nfragment f2() { use f3() }\nfragment f3() { log.call }",
        "fragment f1() { log.call }",
    ),
    "E701": Code(
        "This line does not belong into a test",
        "A test consists of `given`, `send`, `expect`, `after` and `repeat`.",
        'test "a reader gets the order" { forward orders }',
        'test "a reader gets the order" { send GET /orders/7 }',
    ),
    "E702": Code(
        "There is nothing of that name to fake",
        "`given` fakes a step, an upstream, a model, the arm of a `split`, or something of the client.",
        "given ordres = reply(200)",
        "given orders = reply(200)",
    ),
    "E710": Code(
        "The expectation does not hold",
        "The test ran, and what it expects is not what happened. The finding shows what the sides came to, and how "
        "the last request was answered.",
        "route hello GET /hello public { respond 200 }\n"
        'test "says hello" {\n    send GET /hello\n    expect status == 201\n}',
        "route hello GET /hello public { respond 200 }\n"
        'test "says hello" {\n    send GET /hello\n    expect status == 200\n}',
    ),
    "E711": Code(
        "A fake is missing",
        "No test calls the world outside. A line that calls an upstream or a model needs `given` with what it answers.",
        'upstream orders { url = "http://orders.internal:8080" }\nroute all GET /orders public { forward orders }\n'
        'test "passes on" {\n    send GET /orders\n    expect status == 200\n}',
        'upstream orders { url = "http://orders.internal:8080" }\nroute all GET /orders public { forward orders }\n'
        'test "passes on" {\n    given orders = reply(200)\n    send GET /orders\n    expect status == 200\n}',
    ),
    "E712": Code(
        "The test could not be run",
        "Something that the test asks for cannot be done at all, so nothing was learned about the policy.",
        "route hello GET /hello public { respond 200 }\n"
        'test "climbs" {\n    send GET /../hello\n    expect status == 400\n}',
        "route hello GET /hello public { respond 200 }\n"
        'test "says hello" {\n    send GET /hello\n    expect status == 200\n}',
    ),
    "E801": Code(
        "There is no such kind of resource",
        "Kinds of resources (upstream, model, prompt, api, …) come from plugins, and no installed one has this.",
        'upstraem orders { url = "http://orders.internal:8080" }',
        'upstream orders { url = "http://orders.internal:8080" }',
    ),
    "E802": Code(
        "This resource cannot be used",
        "Every attribute is of the right type, and yet nothing can be made of them; the finding says why.",
        "upstream orders { timeout = 30s }\nroute all GET /orders public { forward orders }",
        'upstream orders { url = "http://orders.internal:8080" }\nroute all GET /orders public { forward orders }',
    ),
    "E803": Code(
        "This resource takes no parameters",
        "Some resources are called with values, as a prompt is; this kind is not.",
        'upstream orders(id: int) { url = "http://orders.internal:8080" }',
        'upstream orders { url = "http://orders.internal:8080" }',
    ),
}
