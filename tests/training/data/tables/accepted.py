"""Tables in every dialect that is accepted or refused: the cases of the tests, and the table of docs/formats.md.

``python -m tests.training.data.tables.accepted`` writes what the reader makes of them into the page.
"""

import bz2
import gzip
import io
import lzma
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pyarrow as pa
from pyarrow import feather, orc, parquet

from training.data.table import read_table
from training.data.tables.open_table import DETECTED, TableFormat
from training.errors import InputError

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- tables: made by python -m tests.training.data.tables.accepted -->\n", "<!-- end of tables -->"

A = [1.5, 20.25, 3.0, 0.125, 5.75, 6.5, 700.5, 8.0, 9.25, 10.5]
B = [2.0, -3.5, 4.25, 5.0, 0.5, -7.25, 8.0, 9.5, 1.25, 60.0]
Y = [2 * a * b for a, b in zip(A, B, strict=True)]
ROWS = list(zip(A, B, Y, strict=True))
BIG = [1234.5, 20_000.25, 3_000_000.0, 400.125, 5.75, 6000.5, 70_000.5, 8.0, 9999.25, 10_000.5]


@dataclass(frozen=True)
class Case:
    """A table: what it is, its bytes, how it is read, and the columns that must come out; None where it is refused."""

    title: str
    content: bytes
    expected: list[list[float]] | None = field(default_factory=lambda: [A, B, Y])
    target: str = "y"
    table_format: TableFormat = DETECTED
    name: str = "data.csv"
    drop: bool = False


def table(
    head: str = "a,b,y", delimiter: str = ",", end: str = "\n", decimal: str = ".", rows: list[tuple] = ROWS
) -> str:
    """Text of a table, as Python writes its numbers."""
    lines = [delimiter.join(str(value).replace(".", decimal) for value in row) for row in rows]
    return end.join([head.replace(",", delimiter), *lines]) + end


def grouped(value: float, thousands: str, decimal: str) -> str:
    return f"{value:,}".translate({ord(","): thousands, ord("."): decimal})


def thousands(mark: str, decimal: str, delimiter: str) -> str:
    lines = [f"{grouped(a, mark, decimal)}{delimiter}{b}" for a, b in zip(BIG, range(10), strict=True)]
    return f"a{delimiter}y\n" + "\n".join(lines) + "\n"


def excel() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Trips of May"])
    sheet.append(["day", "a", "b", "y"])
    for row in ROWS:
        sheet.append(["2026-05-01", *row])
    book.create_sheet("notes").append(["by hand"])
    return saved(book.save)


def saved(write) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def arrow() -> pa.Table:
    return pa.table({"a": A, "b": B, "y": Y, "who": ["x"] * len(A)})


def zipped(*names: str) -> bytes:
    def write(buffer: io.BytesIO) -> None:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(name, table())

    return saved(write)


def opendocument() -> bytes:
    def row(values: tuple) -> str:
        fields = [
            f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
            if isinstance(value, str)
            else f'<table:table-cell office:value-type="float" office:value="{value}"/>'
            for value in values
        ]
        return f"<table:table-row>{''.join(fields)}</table:table-row>"

    kinds = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{kinds}:office:1.0" '
        f'xmlns:table="{kinds}:table:1.0" xmlns:text="{kinds}:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="t">{"".join(map(row, [("a", "b", "y"), *ROWS]))}</table:table>'
        f"</office:spreadsheet></office:body></office:document-content>"
    )

    def write(buffer: io.BytesIO) -> None:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr(
                "META-INF/manifest.xml",
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            )
            archive.writestr("content.xml", content)

    return saved(write)


def with_word(word: str) -> bytes:
    return table(rows=[*ROWS[:3], ("9", word, "9"), *ROWS[3:]]).encode()


NNBSP = "\u202f"
THREE = [(f"{a + 1}.{a}25", f"{a + 2}.5{a}5", f"{a + 3}.{a}75") for a in range(1, 8)]

CASES = [
    Case("commas, and a header", table().encode()),
    Case("semicolons", table(delimiter=";").encode()),
    Case("tabs", table(delimiter="\t").encode()),
    Case("pipes", table(delimiter="|").encode()),
    Case(
        "runs of spaces, columns of fixed width",
        "\n".join(f"{a!s:>9}{b!s:>9}{c!s:>12}" for a, b, c in [("a", "b", "y"), *ROWS]).encode(),
    ),
    Case("spaces after commas", table("a, b, y").replace(",", ", ").encode()),
    Case("colons", table(delimiter=":").encode()),
    Case("any delimiter, as `--delimiter '!'`", table(delimiter="!").encode(), table_format=TableFormat(delimiter="!")),
    Case("Excel's first line `sep=;`", ("sep=;\n" + table(delimiter=";")).encode()),
    Case("delimiters in quoted names", table('"a, m/s";b;y').replace(",", ";").replace("a; m", "a, m").encode()),
    Case("quotes around everything", ('"' + table().replace(",", '","').replace("\n", '"\n"')[:-1]).encode()),
    Case("a line break in a quoted name", table().replace("a,", '"a\n[m]",', 1).encode()),
    Case("quotes with a backslash", table('"a \\"in\\"",b,y').encode()),
    Case("apostrophes as quotes", table("'a','b','y'").encode()),
    Case("decimal commas", table(delimiter=";", decimal=",").encode()),
    Case(
        "decimal commas in quotes, delimited by commas",
        table(rows=[tuple(f'"{each}"'.replace(".", ",") for each in row) for row in ROWS]).encode(),
    ),
    Case("decimal commas, delimited by commas, without quotes", table(decimal=",").encode(), None),
    Case("`1,234.5`", thousands(",", ".", ";").encode(), [BIG, list(range(10))]),
    Case("`1.234,5`", thousands(".", ",", ";").encode(), [BIG, list(range(10))]),
    Case("`1 234,5`, with any kind of space", thousands(NNBSP, ",", ";").encode(), [BIG, list(range(10))]),
    Case("`1'234.5`", thousands("'", ".", ",").encode(), [BIG, list(range(10))]),
    Case("`1.234` in every field, delimited by semicolons", table(delimiter=";", rows=THREE).encode(), None),
    Case(
        "the same with `--decimal .`",
        table(delimiter=";", rows=THREE).encode(),
        [[float(row[i]) for row in THREE] for i in range(3)],
        table_format=TableFormat(decimal="."),
    ),
    Case(
        "the same with `--thousands .`",
        table(delimiter=";", rows=THREE).encode(),
        [[float(row[i]) * 1000 for row in THREE] for i in range(3)],
        table_format=TableFormat(thousands="."),
    ),
    Case(
        "`1,234` in every field, in quotes",
        table(rows=[tuple(f'"{each}"'.replace(".", ",") for each in row) for row in THREE]).encode(),
        None,
    ),
    Case("`1.5D+03`, `+1.5`, `−1.5` and `007`", b"a,y\n1.5D+03,+1.5\n007,\xe2\x88\x921.5\n", [[1500, 7], [1.5, -1.5]]),
    Case(
        "percentages",
        b"a,b,y\n" + b"".join(f"{a}%,{b},{y}\n".encode() for a, b, y in ROWS),
        [[a / 100 for a in A], B, Y],
    ),
    Case(
        "currency signs, minus in parentheses",
        b"a,y\n$1.50,1\n($2.25),2\n\xe2\x82\xac3.00,3\n",
        [[1.5, -2.25, 3], [1, 2, 3]],
    ),
    Case("booleans", b"a,y\nTrue,1\nFALSE,2\ntrue,3\n", [[1, 0, 1], [1, 2, 3]]),
    Case("whole numbers above 2^53", b"a,y\n9007199254740993,1\n5,2\n", [[2.0**53, 5], [1, 2]]),
    Case("no header", "\n".join(table().split("\n")[1:]).encode(), target="x3"),
    Case("numbers as names, one of them the target", table("1,2,3").encode(), target="3"),
    Case("titles above the header", ("Trips\nMay 2026\n\n" + table()).encode()),
    Case("comments above and between the rows", ("# logger 3\n" + table().replace("\n", "\n# pause\n", 3)).encode()),
    Case("a comment that names the columns", ("# " + table()).encode()),
    Case("a line of units below the header", table("a,b,y\nm,s,-").replace("y\nm", "y\nm").encode()),
    Case("row numbers of pandas", ("," + table("a,b,y", rows=[(i, *row) for i, row in enumerate(ROWS)])).encode()),
    Case("row names of R", table('"a","b","y"', rows=[(f'"{i + 1}"', *row) for i, row in enumerate(ROWS)]).encode()),
    Case("a delimiter at the end of each line", table("a,b,y,", rows=[(*row, "") for row in ROWS]).encode()),
    Case("blank rows", table(rows=[*ROWS[:2], ("", "", ""), *ROWS[2:]]).replace("\n", "\n\n", 1).encode()),
    Case(
        "columns of text and dates",
        table("who,day,a,b,y", rows=[(f"x{i}", f"2026-01-{i + 1:02d}", *row) for i, row in enumerate(ROWS)]).encode(),
    ),
    Case("an empty column", table("note,a,b,y", rows=[("", *row) for row in ROWS]).encode()),
    Case(
        "a missing value: empty, `NA`, `N/A`, `NaN`, `null`, `None`, `<NA>`, `#N/A`, `#DIV/0!`, `.`, `-`, `?` ...",
        with_word("#N/A"),
        None,
    ),
    Case("the same with `--drop-incomplete`", with_word("<NA>"), drop=True),
    Case("infinity: `inf`, `Infinity`, `1e999`", with_word("-Infinity"), None),
    Case("text among the numbers", with_word("twelve"), None),
    Case("a row too short", table(rows=[*ROWS[:3], (1, 2), *ROWS[3:]]).encode(), None),
    Case("a quote that is never closed", table(rows=[*ROWS[:3], ('"1', 2, 3), *ROWS[3:]]).encode(), None),
    Case("a name twice", table("a,a,y").encode(), None),
    Case("UTF-8 with a byte order mark, CR LF", table(end="\r\n").encode("utf-8-sig")),
    Case("lines that end with CR", table(end="\r").encode()),
    Case("UTF-16", table(delimiter="\t").encode("utf-16")),
    Case("UTF-16 without a byte order mark", table().encode("utf-16-le")),
    Case("UTF-32", table().encode("utf-32")),
    Case("Windows-1252, Latin-1", table("Größe,b,y").encode("cp1252")),
    Case(
        "another encoding, as `--encoding cp1251`",
        table("длина,b,y").encode("cp1251"),
        table_format=TableFormat(encoding="cp1251"),
    ),
    Case("NULs, and Ctrl-Z at the end", (table().replace("\n", "\x00\n", 3) + "\x1a").encode()),
    Case("gzip, whatever the name", gzip.compress(table().encode())),
    Case("bz2", bz2.compress(table().encode())),
    Case("xz", lzma.compress(table().encode())),
    Case("zstd", pa.compress(table().encode(), "zstd", asbytes=True)),
    Case("zip with one file", zipped("data.csv")),
    Case("zip with several files", zipped("data.csv", "more.csv"), None, name="data.zip"),
    Case("Excel (`.xlsx`, `.xls`, `.xlsb`)", excel(), name="data.xlsx"),
    Case("OpenDocument (`.ods`)", opendocument(), name="data.ods"),
    Case("Parquet", saved(lambda buffer: parquet.write_table(arrow(), buffer)), name="data.parquet"),
    Case("Arrow, Feather", saved(lambda buffer: feather.write_feather(arrow(), buffer)), name="data.feather"),
    Case("ORC", saved(lambda buffer: orc.write_table(arrow(), buffer)), name="data.orc"),
    Case("JSON", b'[{"a": 1, "y": 2}]', None, name="data.json"),
    Case("HTML", b"<!doctype html><table></table>", None, name="data.html"),
    Case("PDF, images and other known files", b"%PDF-1.7\n\xe2\xe3", None, name="data.pdf"),
    Case("other binary files", bytes(range(256)) * 64, None, name="data.bin"),
    Case("an empty file", b"", None),
]


def outcome(case: Case, folder: Path) -> tuple[list[list[float]] | None, str]:
    """The columns that are read, and the lines printed; or None and the error."""
    path = folder / case.name
    path.write_bytes(case.content)
    try:
        read = read_table(path, case.target, drop_incomplete=case.drop, table_format=case.table_format)
    except InputError as error:
        return None, str(error).replace(str(path), case.name)
    columns = [*read.inputs.T.tolist(), *read.target.T.tolist()]
    return columns, " ".join(read.notes).replace(str(path), case.name)


def section() -> str:
    """The table of the page: what is in the file, and what the reader says."""
    lines = ["| In the file | Result |", "| --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            columns, printed = outcome(case, Path(folder))
            shown = f"`{printed}`".replace("|", "\\|")  # code, so that <NA> and -- stay as they are
            result = "read" if not printed else f"read; prints {shown}"
            lines.append(f"| {case.title} | {result if columns is not None else f'*error:* {shown}'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the section into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{section()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
