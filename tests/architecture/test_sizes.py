"""Files and functions stay short enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.imports import FOLDERS, parse, python_files, relative

MOST_FILE_LINES, MOST_FUNCTION_LINES = 250, 40


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of every function: signature, docstring and body, its decorators aside."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_long(folder: str) -> None:
    lines = {relative(file): len(file.read_text(encoding="utf-8").splitlines()) for file in python_files(folder)}
    long = {file: count for file, count in lines.items() if count > MOST_FILE_LINES}
    assert not long, f"Split these files, the limit is {MOST_FILE_LINES} lines: {long}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_function_is_long(folder: str) -> None:
    lines = {f"{relative(file)} {name}": count for file in python_files(folder) for name, count in functions(file)}
    long = {function: count for function, count in lines.items() if count > MOST_FUNCTION_LINES}
    assert not long, f"Split these functions, the limit is {MOST_FUNCTION_LINES} lines: {long}"
