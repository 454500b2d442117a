import gzip
import zlib
from collections.abc import Callable

import pytest

from app.codecs.v2.compression import compress, decompress, preferred
from app.errors import InvalidInputError, TooLargeError

CONTENT = bytes(range(256)) * 4
LIMIT = len(CONTENT)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_is_undone(encoding: str) -> None:
    assert decompress(gzip.compress(CONTENT), encoding, LIMIT) == CONTENT


def test_deflate_is_zlibs_format() -> None:
    assert decompress(zlib.compress(CONTENT), "deflate", LIMIT) == CONTENT
    with pytest.raises(InvalidInputError, match="The body is not deflate"):
        decompress(zlib.compress(CONTENT, wbits=-15), "deflate", LIMIT)


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_identity_is_the_body_itself(encoding: str) -> None:
    assert decompress(CONTENT, encoding, LIMIT) is CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_answers_are_packed_as_clients_unpack_them(encoding: str) -> None:
    unpack: Callable[[bytes], bytes] = gzip.decompress if encoding == "gzip" else zlib.decompress
    assert unpack(compress(CONTENT, encoding)) == CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_one_byte_too_many_is_too_large(encoding: str) -> None:
    packed = compress(CONTENT, encoding)
    assert decompress(packed, encoding, LIMIT) == CONTENT
    with pytest.raises(TooLargeError, match="larger than 1023 bytes once decompressed; send fewer rows"):
        decompress(packed, encoding, LIMIT - 1)


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(bytes(200_000_000), 1)
    with pytest.raises(TooLargeError):
        decompress(bomb, "gzip", LIMIT)


@pytest.mark.parametrize("kept", [0, 1, 10, -8, -1])
def test_a_body_that_ends_early_is_refused(kept: int) -> None:
    with pytest.raises(InvalidInputError, match="The gzip body ends before its end; compress it again, in one piece"):
        decompress(gzip.compress(CONTENT)[:kept], "gzip", LIMIT)


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"", mtime=0), bytes(1000)])
def test_a_body_that_goes_on_after_its_end_is_refused(more: bytes) -> None:
    with pytest.raises(InvalidInputError, match="The gzip body goes on after its end"):
        decompress(gzip.compress(CONTENT) + more, "gzip", LIMIT)


def test_a_body_of_another_kind_is_refused() -> None:
    damaged = bytearray(gzip.compress(CONTENT))
    damaged[-5] ^= 1  # the checksum
    for body in (CONTENT, zlib.compress(CONTENT), bytes(damaged)):
        with pytest.raises(InvalidInputError, match="The body is not gzip, which its Content-Encoding says"):
            decompress(body, "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "x" * 1000])
def test_an_encoding_that_is_not_known_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidInputError, match=f"Content-Encoding is '{encoding[:40]}'; gzip, deflate and identity"):
        decompress(CONTENT, encoding, LIMIT)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("gzip;q=0.2, deflate;q=0.8", "deflate"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("br", None),
        ("*", None),
        ("", None),
        ("gzip;q=high", None),
        ("gzip;q=nan", None),
        (";;;,,,=", None),
    ],
)
def test_the_client_chooses_the_encoding_of_the_answer(accepted: str, expected: str | None) -> None:
    assert preferred(accepted) == expected
