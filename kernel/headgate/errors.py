"""Every error of Headgate, named by whose fault it is.

1. A `Failure` is something a policy can handle: it has a `kind` that a step declared
   (`limit.exceeded`, `upstream.timeout`), a status, and a record (`err` inside `on`).
   `ClientFault` and `UpstreamFault` are the two failures: the asker's, or the answerer's.
2. `PluginFault` and `InternalError` are bugs, the plugin's and ours. No handler sees them:
   they answer 500 with a request id, and the log names the policy line.
3. `PolicyError` carries findings. It never happens while a request runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class HeadgateError(Exception):
    """The root of every error that Headgate raises on purpose."""

    status_hint: int = 500


class Failure(HeadgateError):
    """A failure that a step declared and that a policy may handle with `on KIND`.

    `record` holds the fields of `err` beside `kind`, `status` and `message`; its names and types are
    those that the kind declares (see `contracts.kinds`). `headers` go out with the default answer.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int,
        record: Mapping[str, Any] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status_hint = status
        self.record: Mapping[str, Any] = record or {}
        self.headers = headers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind} {self.status_hint}: {self.message}>"


class ClientFault(Failure):
    """The asker's fault: malformed, not allowed, too large, too often, or gone.

    You do not get it for what an upstream answered, nor for a bug in a step.
    """


class ClientGone(ClientFault):
    """The client closed its side before its answer was complete. There is nobody to answer."""

    def __init__(self, message: str = "The client went away.") -> None:
        super().__init__("client.gone", message, status=499)


class NodeStopping(Failure):
    """The node stops, and the time that its calls had is over (SIGTERM, `drain_s`)."""

    def __init__(self, message: str = "This node is stopping. Ask again: another one answers.") -> None:
        super().__init__("node.stopping", message, status=503)


class UpstreamFault(Failure):
    """The upstream's fault: unreachable, too slow, dead in mid-body, or not speaking HTTP.

    `sent` tells whether any byte of the request can have been processed; only where it is False is a
    request that is not idempotent safe to send again. `passes_on` says that this upstream can never do what is asked,
    and another one may: blocks that try others go on to the next whatever failures they name, and none tries the same
    again. You do not get it for an answer with status 500: that is an answer.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int = 502,
        sent: bool = True,
        passes_on: bool = False,
        record: Mapping[str, Any] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(kind, message, status=status, record=record, headers=headers)
        self.sent = sent
        self.passes_on = passes_on


class PluginFault(HeadgateError):
    """A plugin broke its contract: raised what it did not declare, or declared what it is not."""

    def __init__(self, message: str, *, plugin: str, where: str | None = None) -> None:
        super().__init__(message)
        self.plugin = plugin
        self.where = where


class HandlerFault(HeadgateError):
    """A handler (`on … { }`) failed itself. No other handler sees it; the client gets a 500."""


class PolicyError(HeadgateError):
    """Policies that cannot be served, with every finding (`language.diagnostics.Diagnostic`) and the text they are in."""

    def __init__(self, diagnostics: Sequence[Any], sources: Mapping[str, Any] | None = None) -> None:
        said = [f"{one.span.file}:{one.span.line}: {one.code}: {one.message}" for one in diagnostics]
        super().__init__("\n".join([f"{len(said)} finding{'' if len(said) == 1 else 's'} in the policies", *said]))
        self.diagnostics = tuple(diagnostics)
        self.sources: Mapping[str, Any] = sources or {}


class SettingsError(HeadgateError):
    """A configuration that cannot be used: an unknown key, a value of the wrong type, a bad file.

    `setting` is the path of the one that is to blame, `("tls", "client_ca")`: whoever shows the error adds where it was set.
    `log_format` is how the others of them want it shown, where they say so.
    """

    def __init__(self, message: str, *setting: str, log_format: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting
        self.log_format = log_format


class RehearsalFault(HeadgateError):
    """A test in a policy asked for what it gave no answer for. It fails the test, whatever the policy does about it, and
    the finding says all that there is to say."""


class StoreError(HeadgateError):
    """A store could not do what was asked: locked beyond patience, full, or broken."""


class InternalError(HeadgateError):
    """A bug of ours. If you see one, please report it."""
