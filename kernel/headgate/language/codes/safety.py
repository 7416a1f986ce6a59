"""E5xx: who may pass, secrets, house rules."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

SAFETY: Final[dict[str, Code]] = {
    "E501": Code(
        "An upstream can be reached without `auth`",
        "Refuse by default: a path that reaches an upstream has passed an `auth.*` step on every branch before "
        "it. A shadowed step authenticates nobody. A route that is meant for everybody says so: `public`, which "
        "can be searched.",
        "route orders GET /orders { forward orders }",
        "route orders GET /orders {\n    auth.key as key\n    forward orders\n}",
    ),
    "E502": Code(
        "A house rule is broken",
        "An `always` or `never` line, here or in an imported file, does not hold on a path through this route. "
        "House rules are checked, not merged: the route itself must do what they ask.",
        "always log.call before upstream\nroute orders GET /orders public { forward orders }",
        "always log.call before upstream\nroute orders GET /orders public {\n    log.call\n    forward orders\n}",
    ),
    "E504": Code(
        "The path is made elsewhere",
        "In a path, a location and `request.path`, each value that is put into the text is kept to its place: it is encoded, "
        "or refused where it would be two segments. A `let` knows nothing of that: it makes a plain text.",
        'let p = "/x/{request.query["v"] ?? "a"}"\nset request.path = p',
        'set request.path = "/x/{request.query["v"] ?? "a"}"',
    ),
    "E503": Code(
        "A secret stays a secret",
        "A secret fits only a parameter that takes one. It is never printed, logged, compared, put into a text or "
        "sent on.",
        'const authorization = "Bearer {secret("API_KEY")}"',
        'const api_key = secret("API_KEY")',
    ),
    "E505": Code(
        "The house rule names nothing",
        "A rule relates facts that steps give (`auth`, `body`), effects that they have (`upstream`, `store`), steps "
        "(`limit.rate`) and families of steps (`limit`). A rule about anything else would hold always, or never.",
        "always auht before upstream",
        "always auth before upstream",
    ),
    "E506": Code(
        "The exception cannot be decided",
        "Whether a house rule holds for a route is decided when the policy loads, from the line of the route alone: "
        "`route.public`, `route.name` and `route.api`, compared with text. It is a condition, and it is true or false.",
        'always auth before upstream except request.path == "/health"',
        'always auth before upstream except route.name == "health"',
    ),
}
