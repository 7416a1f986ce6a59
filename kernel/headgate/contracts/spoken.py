"""What a row of the call log says of its protocol, in the words that every reader of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spoken:
    """`protocol` is `HTTP/2`; `upgrade` `websocket`; then what HTTP's status does not say: `grpc` is `grpc-status 14`, `passed`
    `3→5 messages 60→700 bytes` (in → out), `close` `close 1000 by client`. Empty is what the row does not have, as rows of
    older days and of what was no HTTP."""

    protocol: str = ""
    upgrade: str = ""
    grpc: str = ""
    passed: str = ""
    close: str = ""


def spoken(row: Mapping[str, Any], shown: Callable[[object], str] = str) -> Spoken:
    """The words for a row. `shown` escapes what may come from outside."""
    said = {name: shown(row[name]) for name in ("http_version", "upgrade") if row.get(name)}
    numbers = {name: row.get(name) or 0 for name in ("messages_in", "messages_out", "bytes_in", "bytes_out")}
    passed = "{messages_in}→{messages_out} messages {bytes_in}→{bytes_out} bytes".format_map(numbers)
    return Spoken(
        protocol=f"HTTP/{said['http_version']}" if "http_version" in said else "",
        upgrade=said.get("upgrade", ""),
        grpc="" if row.get("grpc_status") is None else f"grpc-status {row['grpc_status']}",
        passed="" if row.get("messages_in") is None else passed,
        close=""
        if row.get("close_code") is None
        else f"close {row['close_code']} by {shown(row.get('closed_by', '-'))}",
    )
