"""Signatures, as AWS publishes them and as its own client makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headgate.api import Outgoing, Secret, Target, UpstreamFault
from headgate_bedrock.dialect import BedrockOut
from headgate_bedrock.signing import Credentials, Scope, sign

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
HOST = (b"host", b"example.amazonaws.com")


@pytest.mark.parametrize(
    ("method", "path", "signature"),
    [
        ("GET", b"/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", b"/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            b"/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_published_vectors_hold(method: str, path: bytes, signature: str) -> None:
    lines = dict(sign(method, path, [HOST], b"", EXAMPLE, Scope("us-east-1", "service"), AT))
    assert lines[b"authorization"] == (
        b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        b"SignedHeaders=host;x-amz-date, Signature=" + signature.encode()
    )


@settings(deadline=None, max_examples=300)
@given(
    model=st.text("abcXYZ0123.:/-_~%C3%A4", min_size=1, max_size=30),
    body=st.binary(max_size=200),
    session=st.none() | st.text("abc/+=", min_size=1, max_size=20),
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    query=st.lists(st.tuples(st.text("abAB1-", min_size=1, max_size=4), st.text("xyZ%20", max_size=4)), max_size=4),
    second=st.integers(0, 2_000_000_000),
)
def test_the_signature_is_that_of_aws_s_own_client(
    model: str, body: bytes, session: str | None, region: str, query: list[tuple[str, str]], second: int
) -> None:
    assume(model not in (".", ".."))
    path = f"/model/{quote(model, safe='-._~')}/converse"
    asked = "&".join(f"{name}={quote(value)}" for name, value in query)
    whole = path + (f"?{asked}" if asked else "")
    host = f"bedrock-runtime.{region}.amazonaws.com"
    theirs = AWSRequest("POST", f"https://{host}{whole}", {"Content-Type": "application/json"}, body)
    now = datetime.fromtimestamp(second, UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: now.replace(tzinfo=None))
        SigV4Auth(Theirs("AKID", "secret/+", session), "bedrock", region).add_auth(theirs)
    lines = [(b"content-type", b"application/json"), (b"host", host.encode()), (b"accept", b"*/*")]
    ours = sign("POST", whole.encode(), lines, body, Credentials("AKID", "secret/+", session), Scope(region), second)
    made = {name.decode(): value.decode() for name, value in ours}
    assert made["authorization"] == theirs.headers["Authorization"]
    assert made["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert made.get("x-amz-security-token") == theirs.headers.get("X-Amz-Security-Token")


# --- what goes out ---------------------------------------------------------------------------------------------------

URL = Target.parse("https://bedrock-runtime.eu-west-1.amazonaws.com/base")


async def authorized(key: str, target: Target = URL, at: float = AT, **options: Any) -> dict[bytes, bytes]:
    outgoing = Outgoing("POST", b"/model/a%3A0/converse", [(b"content-type", b"application/json")], b"{}")
    node: Any = SimpleNamespace(rehearsing=False, clock=SimpleNamespace(time=lambda: at))
    await BedrockOut().authorize(outgoing, target, Secret("K", key), options, node)
    return dict(outgoing.headers)


async def test_a_key_with_a_colon_signs_and_the_base_of_the_url_is_signed_too() -> None:
    lines = await authorized("AKID:sec:ses:sion")
    assert lines[b"x-amz-security-token"] == b"ses:sion"
    assert b"/20150830/eu-west-1/bedrock/aws4_request" in lines[b"authorization"]
    host = [(b"host", b"bedrock-runtime.eu-west-1.amazonaws.com"), (b"content-type", b"application/json")]
    credentials = Credentials("AKID", "sec", "ses:sion")
    again = sign("POST", b"/base/model/a%3A0/converse", host, b"{}", credentials, Scope("eu-west-1"), AT)
    assert lines[b"authorization"] == dict(again)[b"authorization"]
    assert b"host" not in lines


async def test_a_key_without_a_colon_is_an_api_key() -> None:
    assert (await authorized("ABSKabc="))[b"authorization"] == b"Bearer ABSKabc="


async def test_the_region_is_what_the_row_says_first() -> None:
    proxy = Target.parse("https://proxy.internal")
    assert b"/us-west-2/" in (await authorized("A:b", proxy, region="us-west-2"))[b"authorization"]
    with pytest.raises(UpstreamFault, match="region"):
        await authorized("A:b", proxy)


def test_credentials_do_not_print() -> None:
    assert "secret" not in repr(Credentials("AKIDEXAMPLE", "secret"))
