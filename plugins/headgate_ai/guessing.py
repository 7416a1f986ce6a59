"""What an attempt used whose provider did not get to say: for people a guess, for accounts the safe side.

1. What the provider said before the end holds: Anthropic counts the input when it begins. Its count of the output is one
   of the past by then, so the larger of that and of what was relayed is taken.
2. For people (the row, `usage`) a token is so many bytes as it is in English: near the truth, and sometimes below it.
3. For accounts it is the most that what was seen can be: the bound of the input, and of the answer a token for each byte,
   since no tokenizer makes more. So what was relayed is never booked below its price.
4. Counts that cannot be (below nothing, parts larger than their whole, none at all for an answer that is there) are not
   believed, and count as not said. What is estimated is never more than the bound: so much was asked for at most.
5. Nobody here knows what a provider made and never sent. A cancelled stream is not booked for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from headgate.api.ai import Counted, tokens_in

if TYPE_CHECKING:
    from headgate_ai.asking import Asked


def believed(said: Counted | None, answered_bytes: int) -> Counted | None:
    """What a provider said, where it can be."""
    if said is None or not said.plausible:
        return None
    counts = said.input_tokens or said.output_tokens or not answered_bytes
    return said if counts else None


def guess(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For people; marked estimated."""
    said = believed(said, 0)
    asked_tokens = said.input_tokens if said is not None and said.input_tokens else tokens_in(len(asked.written.body))
    return _with(said, asked_tokens, tokens_in(answered_bytes))


def safe_side(asked: Asked, said: Counted | None, answered_bytes: int) -> Counted:
    """For accounts; marked estimated."""
    said = believed(said, 0)
    known = said is not None and said.input_tokens > 0
    most_asked = said.input_tokens if known and said is not None else _most_asked(asked)
    most = asked.bound.tokens
    return _with(said, most_asked, answered_bytes if most is None else min(answered_bytes, max(0, most - most_asked)))


def _with(said: Counted | None, asked_tokens: int, answered: int) -> Counted:
    base = said or Counted()
    return replace(
        base, input_tokens=asked_tokens, output_tokens=max(base.output_tokens, answered), estimated=True
    )  # fmt: skip


def _most_asked(asked: Asked) -> int:
    most = asked.question.most_input(asked.model)
    # Where there is none the account was told so, and set aside what its policy assumes.
    return tokens_in(len(asked.written.body)) if most is None else most
