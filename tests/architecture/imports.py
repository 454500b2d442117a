"""Who imports whom, read from the code: TYPE_CHECKING and function-level imports count like all others."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("app", "models", "training", "benchmarks")

Graph = Mapping[str, set[str]]


def python_files(*folders: str) -> list[Path]:
    """All Python files of these folders of the repository.

    Raises:
        AssertionError: a folder holds none, so that whatever is claimed of it would be claimed of nothing.
    """
    found = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in folders}
    assert all(found.values()), f"No code in {[folder for folder, files in found.items() if not files]}"
    return [file for files in found.values() for file in files]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a file imports, wherever in the file."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(filter(None, (_package(file, node.level), node.module)))
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def import_levels(file: Path) -> Iterator[tuple[int, int, str]]:
    """(line, leading dots, module) of every ``from ... import`` and ``import`` of a file; an import has no dots."""
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.level, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, 0, alias.name) for alias in node.names)


@cache
def parse(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def relative(file: Path) -> str:
    """A file's path from the root of the repository."""
    return file.relative_to(ROOT).as_posix()


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def file_graph(*folders: str) -> dict[str, set[str]]:
    """The files of these folders, each with those of them that it imports."""
    modules = {_dotted(file): relative(file) for file in python_files(*folders)}
    graph = {}
    for file in python_files(*folders):
        resolved = (_resolve(name, modules) for _, name in imports(file))
        graph[relative(file)] = {modules[name] for name in resolved if name is not None}
    return graph


def folder_graph(folder: str, files: Graph) -> dict[str, set[str]]:
    """The files and folders directly in a folder, each with those of them that something of it imports."""
    graph: dict[str, set[str]] = {}
    for file, imported in files.items():
        child = entry(folder, file)
        if child is not None:
            below = {other for other in (entry(folder, name) for name in imported) if other is not None}
            graph[child] = graph.get(child, set()) | below - {child}
    return graph


def entry(folder: str, file: str) -> str | None:
    """The file or folder directly in a folder that a file is or lies in; None: it lies elsewhere."""
    if folder and not file.startswith(f"{folder}/"):
        return None
    inside = file.removeprefix(f"{folder}/") if folder else file
    return f"{folder}/{inside.partition('/')[0]}".removeprefix("/")


def circles(graph: Graph) -> list[list[str]]:
    """One circle through each strongly connected component of a graph, its first node repeated at its end."""
    return [_shortest_circle(component, graph) for component in _components(graph) if _is_circular(component, graph)]


def _package(file: Path, level: int) -> str:
    """The package that so many leading dots in a file stand for; empty for none."""
    return ".".join(file.relative_to(ROOT).parts[:-level]) if level else ""


def _dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _resolve(name: str, modules: Mapping[str, str]) -> str | None:
    """The module that a dotted name is, or is defined in."""
    parent = name.rpartition(".")[0]
    return name if name in modules else parent if parent in modules else None


def _is_circular(component: set[str], graph: Graph) -> bool:
    return len(component) > 1 or any(node in graph[node] for node in component)


def _shortest_circle(component: set[str], graph: Graph) -> list[str]:
    start = min(component)
    paths = [[start]]
    seen: set[str] = set()
    for path in paths:
        for following in sorted(graph[path[-1]] & component):
            if following == start:
                return [*path, start]
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    raise AssertionError("A strongly connected component has a circle through each of its nodes")


def _components(graph: Graph) -> list[set[str]]:
    """The strongly connected components (Kosaraju: by the order in which a search leaves each node)."""
    order = list(_left(graph, sorted(graph), set()))
    reverse: dict[str, set[str]] = {node: set() for node in graph}
    for node, followers in graph.items():
        for follower in followers:
            reverse[follower].add(node)
    seen: set[str] = set()
    return [set(_left(reverse, [node], seen)) for node in reversed(order) if node not in seen]


def _left(graph: Graph, starts: Iterable[str], seen: set[str]) -> Iterator[str]:
    """The nodes that can be reached, in the order in which a depth-first search leaves them."""
    for start in starts:
        if start not in seen:
            seen.add(start)
            yield from _left(graph, sorted(graph[start]), seen)
            yield start
