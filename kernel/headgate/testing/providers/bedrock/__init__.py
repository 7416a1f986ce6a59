"""AWS Bedrock: Converse and ConverseStream, checked against the service model that ships with `botocore`.

A request is signed (Signature Version 4, for the service `bedrock`) with the credentials of the simulator, or shows its
`key` as a bearer (https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html). A stream is in binary frames
(https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html has their form).
Errors: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headgate.message.headers import Line
from headgate.testing.providers.asking import Asked, Endpoint, refuse
from headgate.testing.providers.bedrock.converse import Converse, ConverseStream
from headgate.testing.providers.bedrock.events import exception
from headgate.testing.providers.bedrock.signature import Credentials, signed_well
from headgate.testing.providers.frames import Frame
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator

# kind: status, name of the exception, sentence
REFUSALS = {
    "limited": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "credit": (400, "ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
    "key": (403, "UnrecognizedClientException", "The security token included in the request is invalid. ({key})"),
    "forbidden": (403, "AccessDeniedException", "You don't have access to the model with the specified model ID."),
    "model": (404, "ResourceNotFoundException", "Could not resolve the foundation model from the provided identifier."),
    "bad": (400, "ValidationException", "The request is not valid."),
    "too_long": (400, "ValidationException", "Input is too long for requested model."),
    "server": (500, "InternalServerException", "The system encountered an unexpected error during processing."),
    "overloaded": (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
}


class Bedrock(Simulator):
    """A region of Bedrock, with one pair of credentials."""

    name = "bedrock"

    def __init__(
        self,
        *,
        key: str | None = None,
        prefix: str | None = None,
        access_key: str = "AKIASIMULATED0000000",
        secret_key: str = "simulated-secret-key",  # noqa: S107 - the simulator's own
        region: str = "us-east-1",
    ) -> None:
        self.credentials = Credentials(access_key, secret_key, region)
        super().__init__(key=key, prefix=prefix)

    def endpoints(self) -> Iterable[Endpoint]:
        return [Converse(), ConverseStream()]

    def key_of(self, asked: Asked) -> str:
        authorization = asked.header("authorization")
        return authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else authorization

    def admit(self, asked: Asked) -> None:
        if asked.header("authorization").startswith("Bearer "):
            super().admit(asked)
        elif not asked.header("authorization"):
            raise refuse("Missing Authentication Token", "forbidden")
        else:
            signed_well(asked, self.credentials)

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, _, sentence = REFUSALS[fails.kind]
        return status, {"message": fails.message or sentence.format(key=key)}

    def refusal_headers(self, fails: Fails) -> Sequence[Line]:
        name = fails.param or REFUSALS[fails.kind][1]
        return [*super().refusal_headers(fails), (b"x-amzn-errortype", f"{name}:http://internal.amazon.com/".encode())]

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        _, name, sentence = REFUSALS[fails.kind]
        return exception(name, sentence)
