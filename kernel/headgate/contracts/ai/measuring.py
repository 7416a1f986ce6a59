"""How many bytes of text a block of a stream holds, without parsing it: for what is booked of a stream that is cut.

1. All texts count but those under names that a dialect has for its frame. So what a provider has added since, and what
   nobody knew of, is counted: what is booked is rather too much than less than what was relayed.
2. A name is what stands in quotes before a colon. Inside a JSON string a quote is escaped, so no text looks like one.
3. Most blocks have a `delta` that is one text and nothing else. Where all their deltas are, only these are looked at.
4. Each byte is looked at a constant number of times, and no way back is kept: a text may be as long as a block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_VALUE: Final = rb'\s*+:\s*+"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_TEXT: Final = rb'"(?!(?:%b)")[^"]++"' + _VALUE
_DELTA: Final = b'"delta"'
_ONE_TEXT: Final = _DELTA + rb'\s*+:\s*+\{\s*+(?:"type"\s*+:\s*+"\w*+"\s*+,\s*+)?+' + _TEXT + rb"\s*+\}"


def measure_but(*frame: str) -> Callable[[bytes, bytes], int]:
    """Measures all texts of a block, from the first of some bytes on, but those under the names in `frame`."""
    names = b"|".join(re.escape(name.encode()) for name in frame)
    ones, all_of = (re.compile(pattern % names, re.DOTALL).findall for pattern in (_ONE_TEXT, _TEXT))

    def measure(block: bytes, begin: bytes) -> int:
        if (found := ones(block)) and len(found) == block.count(_DELTA):
            return len(found[0]) if len(found) == 1 else sum(map(len, found))
        return sum(map(len, all_of(block, max(block.find(begin), 0))))

    return measure
