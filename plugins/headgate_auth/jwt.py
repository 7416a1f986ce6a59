"""`auth.jwt`: tokens that an issuer signs.

The verifier of a line is prepared when the policy loads: what it expects, which algorithms, where the keys come from. A
token that it has verified is remembered, by its SHA-256, until it expires or the issuer's keys change; for such a token the
step does not wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from headgate.api import SLOW, Const, Duration, Exchange, Ge, Secret, Site, Text, step
from headgate_auth.claims import Claims, Refused
from headgate_auth.kinds import BEARER, BEARER_INVALID, RAISES, invalid, missing
from headgate_auth.lines import after_scheme, without

if TYPE_CHECKING:
    from headgate_auth.verifying import Verifier

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    "HS256", "HS384", "HS512",
]  # fmt: skip


def prepare(site: Site, **given: Any) -> Verifier:
    """The verifier of a line. ValueError for what can never verify a token, or would verify too many."""
    from headgate_auth.verifying import verifier_of

    return verifier_of(**given)


def fast(ctx: Exchange, /, *, site: Site, **_: Any) -> Claims | object:
    """A token that was verified before; SLOW for any other."""
    verifier: Verifier = site.prepared
    clock = ctx.node.clock
    claims = verifier.recall(_token(ctx), clock.time(), clock.monotonic())
    return SLOW if claims is None else _accept(ctx, site, claims)


@step(
    "auth.jwt", gives="auth", raises=RAISES, effect="reads", shadow=True, prepare=prepare,
    fast=fast,
)  # fmt: skip
async def jwt(
    ctx: Exchange, /, *, issuer: Const[Text], audience: Const[Text], jwks: Const[Text | None] = None,
    keys: Const[Text | None] = None, key: Const[Secret | None] = None, algorithms: Const[list[Algorithm] | None] = None,
    leeway: Const[Annotated[Duration, Ge(0)]] = 60.0, scope_claim: Const[Text | None] = None,
    strip: Const[tuple[Text, ...]] = (), site: Site,
) -> Claims:  # fmt: skip
    """Ask for a token of an issuer (`Authorization: Bearer …`), and bind its claims: sub, iss, aud, scopes, exp, claims.

    The issuer's keys are found by its discovery document, or at `jwks=`; `keys=` gives them in the policy (a key set or
    PEM), `key=` a shared secret for HS256. `leeway=` is what the clocks may differ. The token goes on to the upstream;
    `remove request.header["authorization"]` keeps it from there. `strip=` names headers that strangers may not send.
    """
    token = _token(ctx)
    verifier: Verifier = site.prepared
    try:
        claims = await verifier.verify(ctx, token)
    except Refused as refused:
        invalid(str(refused), BEARER_INVALID)
    return _accept(ctx, site, claims)


def _token(ctx: Exchange) -> bytes:
    lines = ctx.request.headers.all(b"authorization")
    if not lines:
        missing("A token is needed. Send it as `Authorization: Bearer …`.", BEARER)
    if len(lines) > 1:
        invalid("The request holds more than one Authorization line. Send one.", BEARER_INVALID)
    token = after_scheme(lines[0], b"bearer")
    if not token:
        missing("A token is needed. Send it as `Authorization: Bearer …`.", BEARER)
    return token


def _accept(ctx: Exchange, site: Site, claims: Claims) -> Claims:
    if not site.shadow:
        without(ctx.request.headers, site.prepared.strip)
        ctx.caller = claims.caller()
    return claims
