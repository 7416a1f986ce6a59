"""What an attempt used whose provider did not get to say: for people a guess, for accounts the safe side.

1. What the provider said before the end holds: Anthropic counts the input when it begins. Its count of the output is one
   of the past by then, so the larger of that and of what was relayed is taken.
2. For people (the row, `usage`) a token is so many bytes as it is in English: near the truth, and sometimes below it. A
   picture, a sound and a document count as the table says.
3. For accounts it is the most that what was seen can be: the bound of the input, and of the answer a token for each byte,
   since no tokenizer makes more. So what was relayed is never booked below its price.
4. Counts that cannot be (below nothing, parts larger than their whole, none at all for an answer that is there) are not
   believed, and count as not said. What is estimated is never more than the bound: so much was asked for at most.
5. Nobody here knows what a provider made and never sent. A model that thinks may have made tokens all the time, and nobody
   makes more of them in a second than the table says: accounts are told as many. Any other model sends what it makes, and so
   does one that thinks when it is asked to, and was not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from headgate.api import ClientFault
from headgate.api.ai import Audio, Chat, Counted, File, Image, Reasoning, Refused, Text, ToolCall, ToolResult, tokens_in

if TYPE_CHECKING:
    from headgate_ai.attempts import Asked

# A picture of a megapixel: 765 at OpenAI, 1,334 at Anthropic, 1,032 at Google.
_IMAGE: Final = 1000
# A second of sound is 10 to 32 tokens, and 16 KB as MP3 of 128 kbit/s. A page of a PDF is some 50 KB and 1,500 tokens. Here
# of base64, which is a third longer.
_AUDIO_BYTES: Final = 1000
_FILE_BYTES: Final = 45
# The fastest machines make some 3,000 tokens a second for one answer: https://inference-docs.cerebras.ai/models/overview.
_TOKENS_PER_S: Final = 5000
# Until a provider has heard that nobody listens any more.
_GOODBYE_S: Final = 1.0


def believed(said: Counted | None, answered_bytes: int) -> Counted | None:
    """What a provider said, where it can be."""
    if said is None or not said.plausible:
        return None
    counts = said.input_tokens or said.output_tokens or not answered_bytes
    return said if counts else None


def guess(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For people; marked estimated."""
    base = _asked(asked, believed(said, 0), asked.question.likely(asked.model))
    return _answered(asked, base, tokens_in(answered_bytes))


def safe_side(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For accounts; marked estimated."""
    base = _asked(asked, believed(said, 0), Counted(input_tokens=_most_asked(asked)))
    return _answered(asked, base, answered_bytes + _hidden(asked))


def _hidden(asked: Asked) -> int:
    """Tokens of output that may have been made and not been shown."""
    if not asked.question.hides(asked.model):
        return 0
    took = asked.ctx.node.clock.monotonic() - asked.began
    return math.ceil((took + _GOODBYE_S) * _TOKENS_PER_S)


def _asked(asked: Asked, said: Counted | None, likely: Counted) -> Counted:
    """With the input, as it was said or as it is likely, which is no more than the bound."""
    if said is not None and said.input_tokens:
        return said
    bound = asked.bound
    most = None if bound.tokens is None else bound.tokens - (bound.answered or 0)
    tokens = likely.input_tokens if most is None else min(likely.input_tokens, most)
    return replace(said or likely, input_tokens=tokens)


def _answered(asked: Asked, base: Counted, tokens: int) -> Counted:
    """With the output: what was said of it, or so many tokens where that is more and the bound has room."""
    bound = asked.bound
    if bound.answered is not None:
        # What the bound has left of the input is no room for output: that costs more.
        tokens = min(tokens, bound.answered)
    elif bound.tokens is not None:
        tokens = min(tokens, bound.tokens - base.input_tokens)
    return replace(base, output_tokens=max(base.output_tokens, tokens), estimated=True)


def _most_asked(asked: Asked) -> int:
    most = asked.question.most_input(asked.model)
    # Where there is none the account was told so, and set aside what its policy assumes.
    return asked.question.likely(asked.model).input_tokens if most is None else most


def likely_tokens(chat: Chat) -> int:
    """What the input of a chat may come to, for people."""
    try:
        content = chat.content()
    except ClientFault:
        # It passed as it came to a provider of its dialect, who may understand it.
        return tokens_in(len(chat.original()))
    tokens = sum(_part(part) for message in content.messages for part in message.parts)
    return tokens + (tokens_in(len(msgspec.json.encode(content.tools))) if content.tools else 0)


def _part(part: object) -> int:
    match part:
        case Text(text=text) | Refused(text=text) | Reasoning(text=text):
            return tokens_in(len(text.encode()))
        case ToolCall(name=name, arguments=arguments):
            return tokens_in(len(name.encode()) + len(arguments.encode()))
        case ToolResult(parts=parts):
            return sum(_part(one) for one in parts)
        case Image():
            return _IMAGE
        case Audio(media=media):
            return len(media.data or "") // _AUDIO_BYTES
        case File(media=media):
            return len(media.data or "") // _FILE_BYTES
    return 0
