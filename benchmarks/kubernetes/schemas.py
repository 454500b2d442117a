"""Every document against the schemas of its kind."""

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.kubernetes.chart import Documents
from benchmarks.kubernetes.environment import TOOLS


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
    """Check the documents, and the first of each kind with a misspelt field too.

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
                wrong = deepcopy(document)
                wrong.get("spec", wrong)["replcas"] = 3
                yield file, wrong, True
