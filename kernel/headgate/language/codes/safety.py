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
    "E503": Code(
        "A secret stays a secret",
        "A secret fits only a parameter that takes one. It is never printed, logged, compared, put into a text or "
        "sent on.",
        'set request.header["x-key"] = secret("API_KEY")',
        'model gpt { provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }',
    ),
}
