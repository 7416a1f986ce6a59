"""How a request proves whose it is: by a signature, or by an API key of Bedrock.

https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html

A secret with a colon is `ACCESS_KEY:SECRET`, or `ACCESS_KEY:SECRET:SESSION` for credentials that expire; one without is an
API key. The region is the option `region`, or what the URL says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.api import Outgoing, PluginFault, Target, UpstreamFault
from headgate_bedrock.signing import Credentials, Scope, sign

_REGION = re.compile(r"(?:^|\.)bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.")


def authorize(outgoing: Outgoing, target: Target, key: str, options: Mapping[str, Any], at: float) -> None:
    """Put the credential into the lines. UpstreamFault where there is no telling what to sign for."""
    if ":" not in key:
        outgoing.headers.append((b"authorization", b"Bearer " + key.encode()))
        return
    if not isinstance(outgoing.body, bytes):
        raise PluginFault("A request to Bedrock is signed with its whole body.", plugin="bedrock")
    access, secret, *session = key.split(":", 2)
    credentials = Credentials(access, secret, session[0] if session else None)
    scope = Scope(region_of(target, options))
    host = next((value for name, value in outgoing.headers if name == b"host"), target.authority.encode())
    lines = [*(line for line in outgoing.headers if line[0] != b"host"), (b"host", host)]
    path = target.path.encode() + outgoing.path
    outgoing.headers += sign(outgoing.method, path, lines, outgoing.body, credentials, scope, at)


def region_of(target: Target, options: Mapping[str, Any]) -> str:
    """Where the model runs. UpstreamFault."""
    if options.get("region"):
        return str(options["region"])
    found = _REGION.search(target.host)
    if found is None:
        raise UpstreamFault(
            "upstream.refused",
            f"{target.host} does not say the region of Bedrock; give the provider an option `region`.",
            sent=False,
        )
    return found[1]
