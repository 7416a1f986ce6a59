"""What policies may depend on of the node that they are loaded on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node as its settings describe it, for the `doubts` of steps and resources.

    `tls`: whether something is bound with TLS over TCP; `client_ca`: whether there is a CA that signs clients;
    `client_auth`: whether they are asked for certificates. `serves`: it is the node itself that loads them, so what is not in
    the environment now will be missing; where policies are only checked, the environment is another's.
    """

    tls: bool = False
    client_ca: bool = False
    client_auth: Literal["none", "request", "require"] = "none"
    serves: bool = False
