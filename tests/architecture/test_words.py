"""The glossary in CONTRIBUTING.md holds: its left-hand names and words are gone, outside lines that name an alias."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.app.factory import running, write_sum
from tests.architecture.imports import FOLDERS, ROOT, parse, python_files, relative

CODE = (*FOLDERS, "tests")
PAGES = [ROOT / "README.md", ROOT / "Makefile", ROOT / "Dockerfile", *sorted((ROOT / "docs").rglob("*.md"))]
HERE = "tests/architecture/test_words.py"
CELL = re.compile(r"`([^`]+)`(?: \(in ([a-z0-9_/]+)\))?")


class Name(NamedTuple):
    """A left-hand name of the first table: an identifier, an attribute ``Class.name`` or a file ``name.py``."""

    old: str
    folder: str
    new: str

    def covers(self, file: str) -> bool:
        """Whether the name is forbidden in a file."""
        return not self.folder or file.startswith((f"{self.folder}/", f"{self.folder}.py"))


def table(title: str) -> list[tuple[str, str]]:
    """Both columns of a table of the glossary."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [(old.strip(), new.strip()) for old, new in rows[2:]]


@cache
def names() -> list[Name]:
    """The first table."""
    return [Name(old, folder or "", new) for left, new in table("Names") for old, folder in CELL.findall(left)]


@cache
def words() -> re.Pattern[str]:
    """The second table: any of its left-hand words and phrases, also as a part of an identifier."""
    phrases = [phrase.strip().replace(" ", r"[\s_-]+") for left, _ in table("Text") for phrase in left.split(",")]
    return re.compile(rf"(?<![a-z])(?:{'|'.join(phrases)})(?![a-z])", re.IGNORECASE)


def names_in(file: str, source: str) -> Iterator[str]:
    """Where an identifier of a source is a left-hand name."""
    forbidden = {name.old: name.new for name in names() if name.covers(file)}
    if forbidden.keys().isdisjoint(re.findall(r"\w+", source)):
        return  # to find its tokens is slow
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.string in forbidden and not is_alias(lines, token.start[0] - 1):
            yield f"{file}:{token.start[0]} {token.string}: use {forbidden[token.string]}"


def attributes_in(file: str, tree: ast.Module) -> Iterator[str]:
    """Where a class has a left-hand attribute."""
    forbidden = {name.old: name.new for name in names() if "." in name.old}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            owned = {f"{node.name}.{attribute}" for attribute in defined(node)}
            yield from (f"{file} {old}: use {forbidden[old]}" for old in sorted(owned & forbidden.keys()))


def defined(node: ast.ClassDef) -> Iterator[str]:
    """Names of the methods and attributes that a class defines."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner.name
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr


def words_in(file: str, text: str) -> Iterator[str]:
    """Where a text holds a left-hand word or phrase, each line by itself and with the one that follows."""
    lines = [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", line) for line in text.splitlines()]  # PascalCase to words
    for number, line in enumerate(lines):
        joined = f"{line} {lines[number + 1].lstrip('# ') if number + 1 < len(lines) else ''}"
        for found in words().finditer(joined):
            if found.start() < len(line) and not is_alias(lines, number):
                yield f"{file}:{number + 1} {found[0]!r}: see the glossary in CONTRIBUTING.md"


def is_alias(lines: list[str], number: int) -> bool:
    """Whether a line, or the comment above it, says that it keeps an old name working, or documents one."""
    above = lines[number - 1].strip() if number else ""
    return "alias" in lines[number] or (above.startswith("#") and "alias" in above)


@pytest.mark.slow
@pytest.mark.parametrize("folder", CODE)
def test_no_identifier_is_a_name_of_the_glossary_s_left_column(folder: str) -> None:
    found = []
    for path in python_files(folder):
        if relative(path) != HERE:
            found += [*names_in(relative(path), path.read_text(encoding="utf-8"))]
            found += attributes_in(relative(path), parse(path))
    assert not found, "\n".join(found)


def test_no_file_is_called_by_a_name_of_the_left_column() -> None:
    files = [relative(path) for path in python_files(*CODE)]
    called = [(file, name) for name in names() for file in files if name.covers(file) and file.endswith(f"/{name.old}")]
    assert not called, "\n".join(f"{file}: use {name.new}" for file, name in called)


@pytest.mark.parametrize("folder", CODE)
def test_no_text_in_the_code_has_a_word_of_the_left_column(folder: str) -> None:
    files = [path for path in python_files(folder) if relative(path) != HERE]
    found = [entry for path in files for entry in words_in(relative(path), path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_no_page_has_a_word_of_the_left_column(page: Path) -> None:
    found = list(words_in(relative(page), page.read_text(encoding="utf-8")))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", ["/openapi.json", "/metrics"])
def test_what_the_service_tells_of_itself_has_no_word_of_the_left_column(path: str, tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        text = client.get(path).text.replace(",", ",\n")
    assert list(words_in(path, text)) == []


def test_both_tables_are_read() -> None:
    assert len(names()) > 100
    assert Name("OneCycle", "", next(new for old, _, new in names() if old == "OneCycle")) in names()
    assert words().search("an express\nlane") is not None


@pytest.mark.parametrize(
    "source", ["class Gateway: ...", "from app import Gateway", "x: Gateway", "Gateway = 1", "f(x.Gateway)"]
)
def test_a_name_of_the_left_column_is_found(source: str) -> None:
    assert [entry.partition(":")[0] for entry in names_in("app/http/x.py", f"{source}\n")] == ["app/http/x.py"]
    assert list(names_in("app/http/x.py", f"{source}  # alias: of Dispatcher\n")) == []
    assert list(names_in("app/http/x.py", f'"""{source}"""\n')) == []


@pytest.mark.parametrize("text", ["two pictures", "read_pictures", "PicturePlan", "# a picture", "norms\n# held"])
def test_a_word_of_the_left_column_is_found(text: str) -> None:
    assert len(list(words_in("x.py", text))) == 1
    assert list(words_in("x.py", text.replace("\n", " ") + " (alias)")) == []


def test_an_attribute_of_the_left_column_is_found() -> None:
    tree = ast.parse("class Candidate:\n    def member(self): ...\n")
    assert len(list(attributes_in("x.py", tree))) == 1
