"""Cohere's chat, version 2, as its clients speak it and as it does itself: the dialect `cohere`.

Clients send to /v2/chat.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_cohere.facts import NAME
from headgate_cohere.harmless import HARMLESS
from headgate_cohere.inbound import CohereIn
from headgate_cohere.outbound import CohereOut
from headgate_cohere.tasks import DOES, TAKES


class Cohere:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [Speaks(NAME, CohereIn(), CohereOut(), takes=TAKES, does=DOES, harmless=HARMLESS)]
