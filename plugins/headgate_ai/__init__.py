"""Models behind one door: read a chat, send it to a provider, count what it used and what it cost.

model gpt { provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }
route chat POST /v1/chat/completions { auth.key as key  read.chat as chat  ai.chat gpt timeout=30s }
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from headgate.api import hookimpl
from headgate_ai.chatting import ai_chat
from headgate_ai.counting import ai_count
from headgate_ai.forwarding import ai_forward
from headgate_ai.kept import ai_response
from headgate_ai.models import model
from headgate_ai.prompting import ai_prompt, prompt
from headgate_ai.reading import read_chat
from headgate_ai.realtime.step import ai_realtime
from headgate_ai.serving_models import ai_models
from headgate_ai.tasks.answering import ai_task
from headgate_ai.tasks.reading import read_task
from headgate_ai.tasks.values import ai_embed, ai_image, ai_moderate, ai_rerank, ai_speech, ai_transcribe

if TYPE_CHECKING:
    import click


class Ai:
    """The plugin's hooks."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [
            read_chat, ai_chat, ai_prompt, ai_response, ai_count, ai_models, ai_forward, read_task, ai_task, ai_embed, ai_rerank, ai_image,
            ai_speech, ai_transcribe, ai_moderate, ai_realtime,
        ]  # fmt: skip

    @hookimpl
    def register_resources(self) -> Sequence[Callable[..., Any]]:
        return [model, prompt]

    @hookimpl
    def register_commands(self) -> Sequence[click.Command]:
        from headgate_ai.models_verb import models

        return [models]
