"""E1xx: types and values. E3xx: values that may be absent."""

from __future__ import annotations

from typing import Final

from headgate.language.codes.entry import Code

VALUES: Final[dict[str, Code]] = {
    "E101": Code(
        "The types do not match",
        "A value stands where another type is wanted. Units are part of the type: a bare `2` is no duration. "
        "There is no truthiness: a condition is a bool. Two values of types that share nothing are never equal.",
        "forward orders timeout=2",
        "forward orders timeout=2s",
    ),
    "E102": Code(
        "The value is out of bounds",
        "The parameter has a least or a greatest value, or a length, and this one lies outside.",
        'require request.size ?? 0B < 1MB else 200 "Too large."',
        'require request.size ?? 0B < 1MB else 413 "Too large."',
    ),
    "E103": Code(
        "The operator does not apply",
        "An operator works on some types only: `<` on what has an order, `matches` on text, `in` on lists, maps "
        "and networks, a call on functions.",
        "let twice = request.path * 2",
        "let twice = (request.size ?? 0B) * 2",
    ),
    "E104": Code(
        "The shares do not sum to 100%",
        "The arms of a `split` share out all calls, exactly.",
        "split by=client.ip {\n    95% { forward a }\n    10% { forward b }\n}",
        "split by=client.ip {\n    95% { forward a }\n    5% { forward b }\n}",
    ),
    "E105": Code(
        "There is no such field",
        "The record has no field of that name, or the value has no fields at all.",
        "let who = request.client",
        "let who = client.ip",
    ),
    "E106": Code(
        "This must be known when the policy loads",
        "Some values are checked and prepared once, when the policy loads: the issuer of a token, a pattern, the "
        "name of a header. They are made of literals and `const`s, never of what a request brings.",
        'auth.jwt issuer=request.host audience="orders"',
        'auth.jwt issuer="https://id.example.com" audience="orders"',
    ),
    "E107": Code(
        "This word does not fit here",
        "The parameter takes one of a few words, and this is none of them.",
        "limit.rate 100/min fail=opne",
        "limit.rate 100/min fail=open",
    ),
    "E108": Code(
        "This is no network",
        "An address is looked up in networks, which are written with the length of their prefix, or as a single "
        "address.",
        'require client.ip in ["10.0.0.0/99"] else 403 "Not from there."',
        'require client.ip in ["10.0.0.0/8"] else 403 "Not from there."',
    ),
    "E109": Code(
        "This pattern cannot be used",
        "Patterns never backtrack, so that each match ends in time: back references and look-around do not exist.",
        'require request.path matches "(a)\\\\1" else 404 "No."',
        'require request.path matches "aa" else 404 "No."',
    ),
    "E110": Code(
        "This cannot be worked out",
        "What is made of constants is worked out when the policy loads; with these values it cannot be.",
        "const ratio = 1 / 0",
        "const ratio = 1 / 2",
    ),
    "E114": Code(
        "The step cannot be prepared",
        "Some steps make something of their constants once, before the first request: keys are read, networks and "
        "origins taken apart. Each of these values is of the right type, and yet the step cannot work with them; the "
        "finding says why.",
        'cors allow=["https://app.example.com/"]',
        'cors allow=["https://app.example.com"]',
    ),
    "W115": Code(
        "It cannot work on this node",
        "The policy is right, and what it needs is not there: a setting of the node, or a variable in its environment. The "
        "finding says what is missing and where to set it. `headgate check` tells what is missing in the settings, where "
        "there are any; the node tells it all when it loads its policies, and at a reload what is new. A plugin that fails "
        "when it is asked for this is named in the same way; what it is asked about serves all the same.",
        "auth.mtls",
        "auth.mtls",
        'bind_tls = [":8443"]\n\n[tls]\ncert = "cert.pem"\nkey = "key.pem"\nclient_ca = "clients.pem"',
    ),
    "E112": Code(
        "There is no such type",
        "The types are bool, int, number, text, bytes, duration, size, rate, money, percent, status, time, ip, "
        "network, regex, json, `list[…]`, `map[…]`, and the `type`s of the file. Bounds stand behind text, "
        "numbers and lists, the lower one first.",
        "type Message { text: string }",
        "type Message { text: text(1..4000) }",
    ),
    "E301": Code(
        "This value may be absent",
        "A header that was not sent, an optional field, a name that a shadowed step binds: they may be absent. "
        "`==` is allowed (absent equals nothing); anything else needs a default, or a test that it is present.",
        'require request.header["x-debug"] != "1" else 403 "No."',
        'require request.header["x-debug"] ?? "0" != "1" else 403 "No."',
    ),
    "W302": Code(
        "The default is never used",
        "The value is never absent, so what stands behind `??` has no effect.",
        'let host = request.host ?? "none"',
        "let host = request.host",
    ),
}
