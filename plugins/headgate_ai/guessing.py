"""What an attempt used whose provider did not get to say: for people a guess, for accounts the safe side.

1. What the provider said before the end holds: Anthropic counts the input when it begins. Its count of the output is one
   of the past by then, so the larger of that and of what was relayed is taken.
2. For people (the row, `usage`) a token is so many bytes as it is in English: near the truth, and sometimes below it. A
   picture, a sound and a document count as the table says.
3. For accounts it is the most that what was seen can be: the bound of the input, and of the answer a token for each byte,
   since no tokenizer makes more. So what was relayed is never booked below its price.
4. Neither is ever more than the bound of the attempt: a guess does not overrun what was set aside.
5. Nobody here knows what a provider made and never sent. A cancelled stream is not booked for that.
"""

from __future__ import annotations

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


def guess(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For people; marked estimated."""
    base = asked.question.likely(asked.model)
    if said is not None:
        base = said if said.input_tokens else replace(said, input_tokens=base.input_tokens)
    return _with(asked, base, tokens_in(answered_bytes))


def safe_side(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For accounts; marked estimated."""
    base = said or Counted()
    if not base.input_tokens:
        base = replace(base, input_tokens=_most_asked(asked))
    return _with(asked, base, answered_bytes)


def _with(asked: Asked, base: Counted, answered: int) -> Counted:
    most = asked.bound.tokens
    asked_tokens = base.input_tokens if most is None else min(base.input_tokens, most)
    if most is not None:
        answered = min(answered, most - asked_tokens)
    return replace(base, input_tokens=asked_tokens, output_tokens=max(base.output_tokens, answered), estimated=True)


def _most_asked(asked: Asked) -> int:
    most = asked.question.most_input()
    if most is None:
        # The account was told that there is no bound, and set aside what its policy assumes.
        return asked.question.likely(asked.model).input_tokens
    return most if asked.model.context is None else min(most, asked.model.context)


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
