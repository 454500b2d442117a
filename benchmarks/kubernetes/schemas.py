"""Every document against the schemas of its kind."""

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.kubernetes.chart import Documents
from benchmarks.kubernetes.environment import TOOLS

FREE = {("requests",), ("limits",)}
"""Objects with names of one's own and numbers."""


class Check(NamedTuple):
    """One document against one schema."""

    file: str
    kind: str
    schema: str
    """Of which project and version."""
    problem: str | None
    """None: it is valid."""
    misspelt: bool
    """Whether a misspelt field was put into the document, so that there has to be a problem."""


def check(python: Path, documents: Documents) -> list[Check]:
    """Check the documents, and the first of each kind with a misspelt field in each of its objects.

    Args:
        python: of the environment with the schemas.
        documents: see ``chart``.
    """
    cases = list(_cases(documents))
    lines = "\n".join(json.dumps(document) for _, document, _ in cases)
    done = subprocess.run(
        [str(python), "-m", TOOLS.program], input=lines, stdout=subprocess.PIPE, text=True, timeout=600, check=True
    )
    answers = map(json.loads, done.stdout.splitlines())
    return [
        Check(file, document["kind"], schema, problem, misspelt)
        for (file, document, misspelt), answer in zip(cases, answers, strict=True)
        for schema, problem in answer.items()
    ]


def _cases(documents: Documents) -> Iterator[tuple[str, dict[str, Any], bool]]:
    kinds = set()
    for file, found in documents.items():
        for document in found:
            yield file, document, False
            if document["kind"] not in kinds:
                kinds.add(document["kind"])
                for path in _objects(document):
                    wrong = deepcopy(document)
                    reduce(getitem, path, wrong)["replcas"] = 3
                    yield file, wrong, True


def _objects(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each object of a document, but for those in which every name is allowed."""
    if isinstance(part, dict) and path[-1:] not in FREE:
        yield path
    entries = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in entries:
        yield from _objects(value, (*path, key))
