"""Every folder imports only what stands below it."""

import pytest

from tests.architecture.imports import ROOT, circles, entry, file_graph, folder_graph

ORDER = {
    "app": [
        ["__main__.py"],
        ["main.py"],
        ["predict", "transport"],
        ["routes"],
        ["http"],
        ["service.py"],
        ["codecs"],
        ["auth", "batching"],
        ["repository"],
        ["backends"],
        ["observability"],
        ["schemas.py"],
        ["settings"],
        ["errors.py"],
        ["__init__.py"],
    ],
    "training": [
        ["__main__.py"],
        ["cli"],
        ["research"],
        ["recipes"],
        ["estimator.py"],
        ["onnx_import"],
        ["report"],
        ["tabular"],
        ["vision"],
        ["counting"],
        ["symbolic"],
        ["export"],
        ["metrics.py"],
        ["trainer"],
        ["data"],
        ["output"],
        ["errors.py"],
        ["__init__.py"],
    ],
}
"""From top to bottom; what shares a line does not import one another."""
MOST_ENTRIES = 16


def rank(folder: str) -> dict[str, int]:
    """How far down in the order each entry of a folder stands."""
    return {f"{folder}/{name}": level for level, names in enumerate(ORDER[folder]) for name in names}


@pytest.mark.parametrize("folder", ORDER)
def test_every_entry_of_a_folder_has_its_place_in_the_order(folder: str) -> None:
    files = file_graph(folder)
    there = {entry(folder, file) for file in files}
    assert there == rank(folder).keys(), f"Give what is new in {folder}/ a place in ORDER, and take out what is gone"


@pytest.mark.parametrize("folder", ORDER)
def test_files_import_only_what_stands_below_their_folder(folder: str) -> None:
    places = rank(folder)
    broken = [
        f"{file} imports {imported}: {above} stands above {below} and must not be imported by it"
        for file, imports in file_graph(folder).items()
        for imported in sorted(imports)
        if (below := entry(folder, file)) != (above := entry(folder, imported)) and places[above] <= places[below]
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("folder", ORDER)
def test_few_entries_lie_directly_in_a_folder(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    entries = sorted({path.relative_to(ROOT / folder).parts[0] for path in files} - {"__init__.py", "__main__.py"})
    assert len(entries) <= MOST_ENTRIES, f"{folder}/ holds {len(entries)} entries; group them: {entries}"


def test_models_stands_below_everything_and_its_units_below_its_networks() -> None:
    files = file_graph("models")
    assert circles(folder_graph("models", files)) == []
    networks = {"models/networks.py", "models/head.py", "models/image_network.py"}
    assert networks <= files.keys()
    users = {file for file, imported in files.items() if any(name.startswith("models/units/") for name in imported)}
    assert {file for file in users if not file.startswith("models/units/")} <= networks | {"models/__init__.py"}
