"""AWS Signature Version 4, as a pure function of the request, the credentials and the time.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

1. The path is signed encoded once more: what goes out as `%3A` is signed as `%253A`, as every service but S3 has it. It
   holds no `.` or `..` for a segment, which would be signed resolved: `BedrockOut.write` lets no such name pass.
2. Signed are the host, the type of the body and the lines with which the signature goes: what a proxy on the way may
   change or add is left out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from headgate.api import Line

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SIGNED: Final = frozenset({b"content-type", b"host", b"x-amz-date", b"x-amz-security-token"})


class Credentials(NamedTuple):
    """`ACCESS_KEY:SECRET[:SESSION]`."""

    access_key: str
    secret: str
    session: str | None = None

    def __repr__(self) -> str:
        return f"<Credentials {self.access_key[:4]}…>"


class Scope(NamedTuple):
    """What a signature is good for."""

    region: str
    service: str = "bedrock"


def sign(
    method: str, path: bytes, headers: Iterable[Line], body: bytes, credentials: Credentials, scope: Scope, at: float
) -> list[Line]:
    """The lines to add to a request: the date, the session's token and the signature. `path` is as it goes out, with
    its query; `headers` hold the host."""
    now = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    lines: list[Line] = [(b"x-amz-date", now.encode())]
    if credentials.session is not None:
        lines.append((b"x-amz-security-token", credentials.session.encode()))
    signed = sorted((name.lower(), value) for name, value in (*headers, *lines) if name.lower() in SIGNED)
    names = b";".join(name for name, _ in signed).decode()
    area = f"{now[:8]}/{scope.region}/{scope.service}/aws4_request"
    request = hashlib.sha256(canonical(method, path, signed, body)).hexdigest()
    text = f"{ALGORITHM}\n{now}\n{area}\n{request}"
    signature = _mac(_key(credentials.secret, now[:8], scope), text).hex()
    proof = f"{ALGORITHM} Credential={credentials.access_key}/{area}, SignedHeaders={names}, Signature={signature}"
    return [*lines, (b"authorization", proof.encode())]


def canonical(method: str, path: bytes, signed: list[Line], body: bytes) -> bytes:
    """The request in the one form that both sides take the hash of."""
    place, _, query = path.decode("ascii").partition("?")
    pairs = sorted((name, value) for name, _, value in (one.partition("=") for one in query.split("&")) if name)
    return "\n".join([
        method,
        quote(place, safe="/~") or "/",
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name.decode()}:{' '.join(value.decode('latin-1').split())}" for name, value in signed),
        "",
        ";".join(name.decode() for name, _ in signed),
        hashlib.sha256(body).hexdigest(),
    ]).encode("latin-1")  # fmt: skip


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
