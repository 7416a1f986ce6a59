"""How much a text, a sound and a picture can be at most, whatever a client calls them."""

from __future__ import annotations

import base64

import pytest

from headgate.api.ai import Audio, Chat, Content, Image, Media, Message, Text
from headgate_ai.bounds import Limits, Unbounded, input_tokens, text_bytes
from headgate_ai.sizes import PICTURE, is_thick, picture, sound

PNG = Media(mime="image/png", data="iVBORw0KGgoAAAANSUhEUg")
FILM = Media(mime="image/png", url="https://films.test/a")


# Signs that have more bytes in Unicode's form NFC, which some tokenizers read.
@pytest.mark.parametrize(("text", "size"), [("\U0001d160", 12), ("\u0958", 6), ("é", 2), ("e\u0301", 3), ("abc", 3)])
def test_a_text_is_as_long_as_the_longest_form_that_is_read(text: str, size: int) -> None:
    assert text_bytes(text) == size


def test_sound_with_a_least_bit_rate_is_told_from_sound_without() -> None:
    mp3, aac = b"\xff\xfb\x90\x00" + b"\0" * 400, b"\xff\xf1\x50\x80" + b"\0" * 400
    assert is_thick("a.MP3", mp3)
    assert not is_thick("a.mp3", aac), "AAC begins as MP3 does"
    assert not is_thick("a.flac", mp3), "what it is called decides how it is read"
    assert sound(Audio(media=Media(data=base64.b64encode(mp3).decode()), format="mp3")) is not None
    assert sound(Audio(media=Media(data=base64.b64encode(aac).decode()), format="mp3")) is None


def test_who_takes_a_film_for_a_picture_has_to_be_shown_one() -> None:
    assert (
        picture(Image(media=FILM)) == picture(Image(media=PNG)) == picture(Image(media=PNG), any_media=True) == PICTURE
    )
    assert picture(Image(media=FILM), any_media=True) is None
    assert picture(Image(media=Media(mime="image/png", data="AAAAIGZ0eXBpc29t")), any_media=True) is None


def test_what_may_be_a_film_is_bounded_by_the_window_alone() -> None:
    chat = Chat.made("m", Content([Message("user", [Text(text="Hi"), Image(media=FILM)])]))
    assert PICTURE < input_tokens(chat, Limits(1_000_000, None)) < 2 * PICTURE
    assert input_tokens(chat, Limits(1_000_000, None, any_media=True)) == 1_000_000
    with pytest.raises(Unbounded, match="may be no picture"):
        input_tokens(chat, Limits(None, None, any_media=True))
