"""Signature Version 4, as the service checks it: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.

What is signed is built again from the request as it arrived: the method, the path (each segment encoded once more, as
for every service but S3), the query, the headers that the signature names, the hash of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import urllib.parse
from dataclasses import dataclass

from headgate.testing.providers.asking import Asked, Refused
from headgate.testing.providers.says import Fails

SERVICE = "bedrock"
FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the service knows of its caller."""

    access_key: str
    secret_key: str
    region: str

    def __repr__(self) -> str:
        return f"<Credentials {self.access_key} {self.region}>"


def signed_well(asked: Asked, credentials: Credentials) -> None:
    """Raises Refused where the signature is not that of these credentials for this request."""
    found = FORM.fullmatch(asked.header("authorization"))
    if found is None:
        raise _refused("IncompleteSignatureException", "Authorization header requires a valid AWS4-HMAC-SHA256 form.")
    if found["key"] != credentials.access_key:
        raise Refused(Fails("key"))
    scope = f"{found['date']}/{found['region']}/{found['service']}/aws4_request"
    if (found["region"], found["service"]) != (credentials.region, SERVICE):
        raise _refused(
            "InvalidSignatureException", f"Credential should be scoped to a valid region and service: {scope}."
        )
    signed = found["signed"].split(";")
    if "host" not in signed or not asked.header("x-amz-date").startswith(found["date"]):
        raise _refused(
            "InvalidSignatureException", "'Host' must be signed, and the date of the scope that of the request."
        )
    expected = _signature(asked, credentials, signed, scope)
    if not hmac.compare_digest(expected, found["signature"]):
        raise _refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def _refused(name: str, sentence: str) -> Refused:
    return Refused(Fails("forbidden", sentence, param=name))


def _signature(asked: Asked, credentials: Credentials, signed: list[str], scope: str) -> str:
    hashed = hashlib.sha256(_canonical(asked, signed).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{asked.header('x-amz-date')}\n{scope}\n{hashed}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _canonical(asked: Asked, signed: list[str]) -> str:
    path = urllib.parse.quote(asked.path, safe="/-_.~")
    pairs = sorted(
        (urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~"))
        for name, value in asked.query.items()
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join(asked.header(name).split())}\n" for name in signed)
    body = hashlib.sha256(asked.raw).hexdigest()
    return "\n".join([asked.method, path, query, headers, ";".join(signed), body])
