"""A path written as text: every character stands for itself."""

from __future__ import annotations

import pytest

from headgate.errors import ClientFault
from headgate.message import encoded_path


@pytest.mark.parametrize(
    ("text", "path"),
    [("/a b/é", b"/a%20b/%C3%A9"), ("/a?b=c#d", b"/a%3Fb=c%23d"), ("/100%25", b"/100%2525"), ("/a/", b"/a/")],
)
def test_every_character_stands_for_itself(text, path):
    assert encoded_path(text) == path


@pytest.mark.parametrize("text", ["/a/../b", "/.", "/a//b", "a", "", "/a\\b", "/a\nb", "/a\0"])
def test_what_could_climb_or_be_read_differently_is_refused(text):
    with pytest.raises(ClientFault):
        encoded_path(text)
