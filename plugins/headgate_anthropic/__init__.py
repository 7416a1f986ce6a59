"""Anthropic's Messages API, as its clients speak it and as it does itself: the dialect `anthropic`.

Clients send to /v1/messages, and to /v1/messages/count_tokens for a count.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.api import hookimpl
from headgate.api.ai import Speaks
from headgate_anthropic.facts import NAME
from headgate_anthropic.harmless import HARMLESS
from headgate_anthropic.inbound import AnthropicIn
from headgate_anthropic.outbound import AnthropicOut


class Anthropic:
    """The plugin."""

    @hookimpl
    def register_dialects(self) -> Sequence[Speaks]:
        return [Speaks(NAME, AnthropicIn(), AnthropicOut(), harmless=HARMLESS)]
