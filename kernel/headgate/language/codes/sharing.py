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
    "E801": Code(
        "There is no such kind of resource",
        "Kinds of resources (upstream, model, prompt, api, …) come from plugins, and no installed one has this.",
        'upstraem orders { url = "http://orders.internal:8080" }',
        'upstream orders { url = "http://orders.internal:8080" }',
    ),
    "E803": Code(
        "This resource takes no parameters",
        "Some resources are called with values, as a prompt is; this kind is not.",
        'upstream orders(id: int) { url = "http://orders.internal:8080" }',
        'upstream orders { url = "http://orders.internal:8080" }',
    ),
}
