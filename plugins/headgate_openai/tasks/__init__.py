"""What OpenAI's clients ask for besides chats, and how OpenAI and whoever is compatible with it are asked.

https://platform.openai.com/docs/api-reference/embeddings, /images, /audio and /moderations. Rerankers have no page there;
what Jina began (https://api.jina.ai/redoc) vLLM, Together and others take too: `/rerank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headgate.api.ai import TaskIn, TaskOut
from headgate_openai.tasks.embeddings import EmbeddingsIn, EmbeddingsOut
from headgate_openai.tasks.images import ImagesIn, ImagesOut
from headgate_openai.tasks.moderations import ModerationsIn, ModerationsOut
from headgate_openai.tasks.rerank import RerankOut
from headgate_openai.tasks.speech import SpeechIn, SpeechOut
from headgate_openai.tasks.transcriptions import TranscriptionsIn, TranscriptionsOut

TAKES: Final[Sequence[TaskIn]] = (EmbeddingsIn(), ImagesIn(), SpeechIn(), TranscriptionsIn(), ModerationsIn())
DOES: Final[Sequence[TaskOut]] = (
    EmbeddingsOut(), RerankOut(), ImagesOut(), SpeechOut(), TranscriptionsOut(), ModerationsOut(),
)  # fmt: skip
