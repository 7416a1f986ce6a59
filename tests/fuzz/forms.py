"""Forms: refused, or read to parts that read the same once written again."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.message.multipart import read_form, write_form
from headgate.message.strict_json import NotStrict

SEEDS = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="f[]"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n\xff\r\n--b--',
    b"--b\r\ncontent-disposition: form-data; name=a\r\ncontent-transfer-encoding: 8bit\r\n\r\n\r\n--b--",
)
BOUNDARY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def fuzz(data: bytes) -> None:
    """One body whose boundary is `b`."""
    try:
        parts = read_form(data, "multipart/form-data; boundary=b")
    except NotStrict as error:
        assert str(error)
        return
    if BOUNDARY.encode() in data:
        return
    body, content_type = write_form(parts, BOUNDARY)
    again = read_form(body, content_type.decode())
    assert [part.data for part in again] == [part.data for part in parts]
    assert [part.name.replace('"', "%22") for part in parts] == [part.name for part in again]


if __name__ == "__main__":
    run("forms")
