"""E4xx: routes."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

ROUTES: Final[dict[str, Code]] = {
    "E401": Code(
        "Two routes have one name",
        "The name of a route stands in logs, metrics and quotas, so it is unique among all files that are served "
        "together.",
        "route orders GET /orders public { respond 200 }\nroute orders POST /orders public { respond 201 }",
        "route read_orders GET /orders public { respond 200 }\nroute make_order POST /orders public { respond 201 }",
    ),
    "E402": Code(
        "Two routes answer the same request",
        "Which of two routes answers is never a matter of order: a literal segment beats a parameter. Where "
        "neither is more precise, one must go, or be told apart by method or host.",
        "route one GET /orders/{id} public { respond 200 }\nroute two GET /orders/{name} public { respond 200 }",
        "route one GET /orders/{id} public { respond 200 }\nroute two GET /orders/by/{name} public { respond 200 }",
    ),
    "E403": Code(
        "This path cannot be used",
        "A path consists of segments. A segment is literal text or one parameter, `{name}` or `{name:type}`; one "
        "of type `path` takes all that is left, so it comes last. A path has no query, and no name stands in it "
        "twice.",
        "route files GET /files/{rest:path}/edit public { respond 200 }",
        "route files GET /files/{rest:path} public { respond 200 }",
    ),
    "E404": Code(
        "This is no name of a host",
        "The host of a route is compared, as a whole, with the name that the client asked for: a name or an address, "
        "without scheme, port or path, and there are no wildcards.",
        'route orders GET /orders host="https://api.example.com" public { respond 200 }',
        'route orders GET /orders host="api.example.com" public { respond 200 }',
    ),
    "E405": Code(
        "This is no method",
        "Methods are written in capitals, as they are sent.",
        "route orders get /orders public { respond 200 }",
        "route orders GET /orders public { respond 200 }",
    ),
    "W406": Code(
        "This is no usual method",
        "A route may answer any method, but this one is nearly a usual one, and no client sends it.",
        "route orders GTE /orders public { respond 200 }",
        "route orders GET /orders public { respond 200 }",
    ),
}
