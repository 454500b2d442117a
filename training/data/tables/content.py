"""Recognises a file by its content, whatever its name, and opens what is inside a compressed file."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from training.data.tables.excerpt import excerpt
from training.errors import InputError

WORKBOOK, PARQUET, ARROW, ORC, TEXT = "workbook", "Parquet", "Arrow", "ORC", "text"
HEAD_BYTES = 512
TABLES = {b"PAR1": PARQUET, b"ARROW1": ARROW, b"FEA1": ARROW, b"ORC": ORC, b"\xd0\xcf\x11\xe0": WORKBOOK}
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    **{b"BZh%d1AY&SY" % level: "bz2" for level in range(1, 10)},
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
}
OTHERS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a WebP image or a sound",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"BM": "a BMP image",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"MATLAB 5.0": "a MATLAB file",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"RDX": "an R workspace",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
    b"{\\rtf": "an RTF document",
}
MARKUP = {"<": "HTML or XML", "{": "JSON", "[": "JSON"}
REPAIR = "give the table as CSV, Excel or Parquet"
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)
"""What the decompressors raise on damaged content, beside OSError."""


def kind_of(path: Path) -> str:
    """Which reader the file's content needs: one of the kinds above.

    Raises:
        InputError: the file cannot be read, or is no table.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path} is a pipe or a device, which cannot be read twice; save the table to a file.")
    try:
        with path.open("rb") as file:
            kind = _kind(path, file.read(HEAD_BYTES))
    except OSError as error:
        raise _unreadable(path, error) from error
    if kind == TEXT:
        with open_content(path) as content:
            if (inside := _kind(path, content.read(HEAD_BYTES))) != TEXT:
                raise InputError(f"{path} is a compressed {inside} file; decompress it first.")
    return kind


def _kind(path: Path, head: bytes) -> str:
    if head.startswith(b"PK\x03\x04"):
        return WORKBOOK if _is_workbook(path) else TEXT
    for magic, kind in TABLES.items():
        if _begins(head, magic):
            return kind
    for magic, what in OTHERS.items():
        if _begins(head, magic):
            raise InputError(f"{path} is {what}, not a table; {REPAIR}.")
    return TEXT


def _begins(head: bytes, magic: bytes) -> bool:
    """Whether a file has this mark: one of letters alone may begin a name, too, so that control characters decide."""
    return head.startswith(magic) and (not magic.isalnum() or any(byte < 9 or 13 < byte < 32 for byte in head))


def refuse_markup(path: Path, text: str) -> None:
    """Reject JSON, HTML and XML that was given as a table.

    Raises:
        InputError: the text begins as one of them does.
    """
    start = text.lstrip("\ufeff \t\r\n")
    what = MARKUP.get(start[:1])
    inside = start[1:].lstrip()[:1]
    if (what == "JSON" and inside in {"{", "[", '"', "]", "}"}) or (
        what == "HTML or XML" and ">" in start[:1000] and (inside.isalpha() or inside in {"!", "?"})
    ):
        raise InputError(f"{path} holds {what}, not a table; {REPAIR}.")


@contextmanager
def open_content(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, decompressed.

    Raises:
        InputError: the file cannot be read or decompressed.
    """
    try:
        with path.open("rb") as file:
            head = file.read(10)
            file.seek(0)
            how = next((name for magic, name in COMPRESSED.items() if head.startswith(magic)), None)
            with _decompressed(path, file, how) as content:
                yield content
    except DAMAGED as error:
        raise InputError(f"{path} is a damaged compressed file ({excerpt(str(error), 60)}); copy it again.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def is_compressed(path: Path) -> bool:
    """Whether the file is compressed in a way that is opened."""
    with path.open("rb") as file:
        return file.read(10).startswith(tuple(COMPRESSED))


def _decompressed(path: Path, file: IO[bytes], how: str | None) -> Any:
    if how == "gzip":
        return gzip.open(file)
    if how == "bz2":
        return bz2.open(file)
    if how == "xz":
        return lzma.open(file)
    if how in {"zstd", "lz4"}:
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(file, "r"), how)
    if how == "zip":
        return _only_member(path, file)
    return file


def _unreadable(path: Path, error: OSError) -> InputError:
    why = error.strerror or excerpt(str(error), 60)
    return InputError(f"{path} cannot be read ({why}); give the path of a table.")


def _only_member(path: Path, file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    members = [item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise InputError(f"{path} is a zip archive of {len(members)} files; extract it, and give one table.")
    if members[0].flag_bits & 1:
        raise InputError(f"{path} is an encrypted zip archive; extract it, and give the table.")
    return archive.open(members[0])


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is a damaged zip or Excel file ({error}); copy it again.") from error
    return "[Content_Types].xml" in names or "content.xml" in names
