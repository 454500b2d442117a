"""Finds the encoding of a text file by its content, and reads it as text."""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from training.data.tables.content import REPAIR, is_compressed, open_content
from training.errors import InputError

HEAD_BYTES = 2**20
"""Of the start of a file, from which its dialect is found."""
CHUNK_BYTES = 2**20
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF8 = "utf-8"
FALLBACKS = ["cp1252", "mac_roman", "cp850", "cp1250", "cp1251"]
"""Of text that is not UTF-8: Excel's on Windows, for Macintosh and for MS-DOS; then those of other alphabets."""
MOST_CONTROL = 0.02
"""Share of control characters above which a file is no text."""
CONTROL = re.compile(r"[\x01-\x08\x0b\x0e-\x19\x1b\x7f\x80-\x9f\ufffd]")


@dataclass(frozen=True)
class TextFile:
    """A text file whose encoding is known.

    Args:
        path: where it lies.
        encoding: a codec of Python.
        found: what was found about the encoding that its reader should know; None where it was UTF-8 or is marked.
        compressed: whether the content is compressed.
        lines: line ends in the file.
        quotes: the quotes that occur in it, of ``"`` and ``'``.
    """

    path: Path
    encoding: str
    found: str | None
    compressed: bool
    lines: int
    quotes: frozenset[str]

    @property
    def raw(self) -> bool:
        """Whether the bytes of the file are its text in UTF-8."""
        return self.encoding in {UTF8, "utf-8-sig"} and not self.compressed

    @contextmanager
    def open(self) -> Iterator[io.TextIOWrapper]:
        """The text, line ends as they are.

        Raises:
            InputError: the file cannot be read as text.
        """
        with open_content(self.path) as content:
            try:
                yield io.TextIOWrapper(content, encoding=self.encoding, errors=_errors(self.encoding), newline="")
            except UnicodeError as error:
                raise _no_text(self.path, self.encoding) from error

    def head(self) -> tuple[str, bool]:
        """The first megabyte or so of the text, up to the end of a line, and whether that is all of it."""
        with self.open() as text:
            head = text.read(HEAD_BYTES)
            if len(head) < HEAD_BYTES:
                return head, True
            return head + text.readline(HEAD_BYTES), False


def read_text_file(path: Path, encoding: str | None = None, required: Sequence[str] = ()) -> TextFile:
    """The file as text, after one pass over it: any byte may show that it is not UTF-8.

    Args:
        path: the file.
        encoding: the user's; None finds it.
        required: names in the file, which tell encodings of one byte a character from one another.

    Raises:
        InputError: the file cannot be read, or is no text.
    """
    with open_content(path) as content:
        head = content.read(HEAD_BYTES)
    encoding, found = (encoding, None) if encoding else _marked(head)
    try:
        lines, quotes = _scan(path, encoding or UTF8)
    except UnicodeError as error:
        if encoding:
            raise _no_text(path, encoding) from error
        encoding = _fallback(head, required)
        found = f"is not in UTF-8 and was read as {encoding}; give its --encoding if that is another"
        lines, quotes = _scan(path, encoding)
    text = codecs.decode(head[: len(head) // 4 * 4], encoding or UTF8, "replace")
    if len(CONTROL.findall(text)) > MOST_CONTROL * len(text) or text.count("\x00") * 2 > len(text):
        raise InputError(f"{path} is neither text nor a known file format; {REPAIR}.")
    return TextFile(path, encoding or UTF8, found, is_compressed(path), lines, quotes)


def _fallback(head: bytes, required: Sequence[str]) -> str:
    """The first encoding in which the names are there."""
    for encoding in FALLBACKS:
        text = head.decode(encoding, "replace")
        if all(name in text for name in required):
            return encoding
    return FALLBACKS[0]


def _marked(head: bytes) -> tuple[str | None, str | None]:
    """The encoding by the file's mark, or by the zeros that wide encodings have between ASCII characters."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, None
    start = head[:4000]
    zeros = [start[i::4].count(0) / max(1, len(start[i::4])) for i in range(4)]
    for pattern, encoding in (
        ((0, 1, 1, 1), "utf-32-le"),
        ((1, 1, 1, 0), "utf-32-be"),
        ((0, 1, 0, 1), "utf-16-le"),
        ((1, 0, 1, 0), "utf-16-be"),
    ):
        if len(start) >= 8 and all(abs(share - expected) < 0.3 for share, expected in zip(zeros, pattern, strict=True)):
            return encoding, f"has no byte order mark and was read as {encoding.upper()}"
    return None, None


def _scan(path: Path, encoding: str) -> tuple[int, frozenset[str]]:
    """Line ends and quotes of the whole file; UnicodeError where it is not in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)(_errors(encoding))
    feeds = returns = 0
    quotes: set[str] = set()
    with open_content(path) as content:
        while chunk := content.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            feeds, returns = feeds + text.count("\n"), returns + text.count("\r")
            quotes.update(quote for quote in "\"'" if quote in text)
        decoder.decode(b"", final=True)
    return max(feeds, returns), frozenset(quotes)


def _errors(encoding: str) -> str:
    """How to decode what is invalid: some bytes are undefined in these, which is no reason to reject a file."""
    return "replace" if encoding in FALLBACKS else "strict"


def _no_text(path: Path, encoding: str) -> InputError:
    return InputError(f"{path} is not in {encoding.upper()}; save the table as CSV (UTF-8), or give its --encoding.")
