"""How many tokens a picture, a sound or a document can be, from its bytes alone.

1. The bytes are never looked into but for a few at the start: their number follows from the length of their base64.
2. What is compressed can be of any length, however few bytes it has: a film of nothing, a PDF of a thousand pages that are
   one page, a sound that is silence. Of these only the model's window is a bound.
3. A client may name as a picture or a text what is none. So what its first bytes show goes before what it is called.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Final

from headgate.api.ai import Audio, File, Image, Media

# The largest picture, after the scaling that each provider does. https://platform.openai.com/docs/guides/images-vision has
# the most: gpt-4o-mini counts 2,833 and 5,667 for each of 8 tiles. It bills these beside its window, not in it.
# https://ai.google.dev/gemini-api/docs/media-resolution counts up to 2,240 for one, and
# https://platform.claude.com/docs/en/build-with-claude/vision up to 4,784.
PICTURE: Final = 50_000
# The thinnest MP3 has 8 kbit/s, the thinnest wave here 8,000 bytes a second; at 100 tokens a second at most:
# https://platform.openai.com/docs/guides/audio counts 10, https://ai.google.dev/gemini-api/docs/audio 32.
SOUND_BYTES_PER_TOKEN: Final = 10
_SLOWEST_HZ: Final = 8_000
_MP3: Final = ("mp3", "mpeg")
_WAV: Final = ("wav", "wave", "x-wav")
# How the base64 of what is compressed begins: PDF, and ZIP, which is what office documents are.
_COMPRESSED: Final = ("JVBERi", "UEsDB")
# And how pictures do: PNG, JPEG, GIF, BMP, and what is RIFF or HEIC, whose kinds are told apart further in.
_PICTURES: Final = ("iVBORw0KGgo", "/9j/", "R0lGOD", "Qk0")

# So many bytes at a place; fewer at the end.
At = Callable[[int, int], bytes]


def data_bytes(media: Media) -> int:
    """The bytes that its base64 stands for, or one or two more."""
    return -(-len(media.data or "") * 3 // 4)


def picture(image: Image, *, any_media: bool = False) -> int | None:
    """Tokens of a picture; None where only the window bounds it. A picture at an address is scaled as any other is.

    `any_media`: its provider takes whatever a client calls a picture, a film as well. Then its bytes have to show that it is one.
    """
    mime, data = image.media.mime, image.media.data or ""
    named = mime is None or mime.lower().startswith("image/")
    shown = data.startswith(_PICTURES) if any_media else not data.startswith(_COMPRESSED)
    return PICTURE if named and shown else None


def sound(audio: Audio) -> int | None:
    """Tokens of a sound; None where only the window bounds it."""
    kind = audio.format or (audio.media.mime or "").partition("/")[2]
    thick = _is_thick(kind, partial(_at, audio.media.data or ""))
    return data_bytes(audio.media) // SOUND_BYTES_PER_TOKEN + 1 if thick else None


def is_thick(name: str, data: bytes) -> bool:
    """Whether a file of sound, by its name and its bytes, has at least 1000 bytes a second."""
    return _is_thick(name.rpartition(".")[2], lambda place, count: data[place : place + count])


def _is_thick(kind: str, at: At) -> bool:
    kind = kind.lower()
    return (kind in _MP3 and _is_mp3(at)) or (kind in _WAV and _is_plain_wave(at))


def document(file: File) -> int | None:
    """Tokens of a document; None where only the window bounds it."""
    is_text = (file.media.mime or "").lower().startswith("text/")
    return data_bytes(file.media) if is_text and not (file.media.data or "").startswith(_COMPRESSED) else None


def _at(data: str, place: int, count: int) -> bytes:
    """Some bytes of base64, at least `count` of them; fewer at its end, none where it is none."""
    start = place // 3 * 4
    try:
        found = base64.b64decode(data[start : start + (count // 3 + 2) * 4], validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found[place % 3 :]


def _is_mp3(at: At) -> bool:
    """Whether it begins with a frame of MPEG sound whose rate is said, behind the tag that there may be."""
    head, place = at(0, 10), 0
    if head[:3] == b"ID3" and len(head) >= 10:
        place = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    frame = at(place, 3)
    # Layer 00 is AAC, whose frames may be of any length.
    is_mpeg = len(frame) >= 3 and frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0 and frame[1] & 0x06 != 0
    return is_mpeg and 0 < frame[2] >> 4 < 15


def _is_plain_wave(at: At) -> bool:
    """Whether it is uncompressed sound, with as many bytes a second as there have to be: RIFF, and `fmt ` at once."""
    head = at(0, 36)
    if len(head) < 36 or head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return False
    form, channels, rate, bits = (int.from_bytes(head[at:end], "little") for at, end in _WAVE)
    return form in (1, 3) and channels >= 1 and rate >= _SLOWEST_HZ and bits >= 8


# Where in the head of a wave are its form (1 and 3 are uncompressed), channels, samples a second, bits a sample.
_WAVE: Final = ((20, 22), (22, 24), (24, 28), (34, 36))
