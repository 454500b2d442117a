"""No import circle of any kind: neither between files nor between folders, those of annotations included."""

from pathlib import Path, PurePath

import pytest

from tests.architecture.imports import FOLDERS, circles, file_graph, folder_graph, imports, python_files, relative

FILES = map(relative, python_files(*FOLDERS))
PARENTS = sorted({parent.as_posix().removeprefix(".") for file in FILES for parent in PurePath(file).parents})


def shown(found: list[list[str]]) -> str:
    return "\n".join(" -> ".join(circle) for circle in found)


def test_no_files_import_one_another_in_a_circle() -> None:
    found = circles(file_graph(*FOLDERS))
    assert not found, f"Import circles; move what both sides need below them:\n{shown(found)}"


@pytest.mark.parametrize("folder", PARENTS, ids=lambda folder: folder or "all")
def test_nothing_in_a_folder_stands_both_above_and_below_its_neighbour(folder: str) -> None:
    found = circles(folder_graph(folder, file_graph(*FOLDERS)))
    assert not found, f"Circles between entries of {folder or 'the repository'}:\n{shown(found)}"


def test_a_circle_is_found_and_named() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"d"}, "e": {"a"}}
    assert sorted(circles(graph)) == [["a", "b", "c", "a"], ["d", "d"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_folders_are_circular_where_their_files_are_not() -> None:
    files = {"f/a/one.py": {"f/b/two.py"}, "f/b/two.py": set(), "f/b/three.py": {"f/a/four.py"}, "f/a/four.py": set()}
    assert circles(files) == []
    assert circles(folder_graph("f", files)) == [["f/a", "f/b", "f/a"]]


def test_type_checking_and_function_level_imports_count(tmp_path: Path) -> None:
    file = tmp_path / "late.py"
    annotations = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import app.http.context\n"
    file.write_text(f"{annotations}def build():\n    from models.units.nac import NAC\n", encoding="utf-8")
    assert list(imports(file))[1:] == [(3, "app.http.context"), (5, "models.units.nac.NAC")]
