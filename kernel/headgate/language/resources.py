"""What the builder of a resource is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.language.source import Span

if TYPE_CHECKING:
    from headgate.contracts.node import Node


@dataclass(frozen=True, slots=True)
class ResourceContext:
    """The name a resource was given, where it stands, and the node that it will serve on.

    A builder raises ValueError for attributes that cannot be used; the finding points at the resource.
    """

    name: str
    span: Span
    node: Node
