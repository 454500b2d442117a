import gzip
import zlib
from collections.abc import Callable

import pytest

from app.codecs.compression import compress, decompress, preferred
from app.errors import InvalidInputError, TooLargeError, UnsupportedEncodingError

CONTENT = bytes(range(256)) * 4
LIMIT = len(CONTENT)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_is_decompressed(encoding: str) -> None:
    assert decompress(gzip.compress(CONTENT), encoding, LIMIT) == CONTENT


def test_deflate_is_zlibs_format() -> None:
    assert decompress(zlib.compress(CONTENT), "deflate", LIMIT) == CONTENT
    with pytest.raises(InvalidInputError, match="The body is not valid deflate"):
        decompress(zlib.compress(CONTENT, wbits=-15), "deflate", LIMIT)


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", " ", "identity, identity", ","])
def test_identity_is_the_body_itself(encoding: str) -> None:
    assert decompress(CONTENT, encoding, LIMIT) is CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_responses_are_compressed_as_clients_decompress_them(encoding: str) -> None:
    unpack: Callable[[bytes], bytes] = gzip.decompress if encoding == "gzip" else zlib.decompress
    assert unpack(compress(CONTENT, encoding)) == CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_one_byte_too_many_is_too_large(encoding: str) -> None:
    compressed = compress(CONTENT, encoding)
    assert decompress(compressed, encoding, LIMIT) == CONTENT
    with pytest.raises(TooLargeError, match="larger than 1023 bytes once decompressed; send fewer rows or files"):
        decompress(compressed, encoding, LIMIT - 1)


def test_a_bomb_is_not_decompressed_beyond_the_limit() -> None:
    bomb = gzip.compress(bytes(20_000_000), 1)
    with pytest.raises(TooLargeError):
        decompress(bomb, "gzip", LIMIT)


@pytest.mark.parametrize("length", [0, 1, 10, -8, -1])
def test_a_truncated_body_is_rejected(length: int) -> None:
    with pytest.raises(InvalidInputError, match="The gzip body is truncated; send one complete stream"):
        decompress(gzip.compress(CONTENT)[:length], "gzip", LIMIT)


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"", mtime=0), bytes(1000)])
def test_a_body_with_trailing_bytes_is_rejected(more: bytes) -> None:
    with pytest.raises(InvalidInputError, match="The gzip body has bytes after its end"):
        decompress(gzip.compress(CONTENT) + more, "gzip", LIMIT)


def test_a_body_in_another_format_is_rejected() -> None:
    damaged = bytearray(gzip.compress(CONTENT))
    damaged[-5] ^= 1  # the checksum
    for body in (CONTENT, zlib.compress(CONTENT), bytes(damaged)):
        with pytest.raises(InvalidInputError, match="The body is not valid gzip, its Content-Encoding"):
            decompress(body, "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate, gzip", "zstd", "x" * 1000, "gzip;q=1"])
def test_an_unknown_encoding_is_rejected_and_the_known_ones_are_listed(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError) as caught:
        decompress(CONTENT, encoding, LIMIT)
    assert caught.value.detail == f"Content-Encoding is '{encoding[:40]}'; send gzip, deflate or identity."
    assert caught.value.headers == {"Accept-Encoding": "gzip, deflate, identity"}


def test_identity_beside_another_encoding_does_not_count() -> None:
    assert decompress(gzip.compress(CONTENT), "identity, gzip", LIMIT) == CONTENT


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
def test_the_client_chooses_the_encoding_of_the_response(accepted: str, expected: str | None) -> None:
    assert preferred(accepted) == expected
