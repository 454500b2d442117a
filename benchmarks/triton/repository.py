"""The models of a repository, and what both servers say and answer of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.triton.clients import TRANSPORTS, Clients
from benchmarks.triton.compare import Difference, metadata_differences, random_requests
from models.manifest import versions

REQUESTS = 50
MOST_ROWS = 4
"""Of a request: Triton's default for graphs without a configuration."""


@dataclass
class Compared:
    """One model under both servers.

    Args:
        name: of the model.
        files: of its version folder.
        takes: the inputs.
        returns: the outputs.
        metadata: what differs in it, over HTTP and gRPC.
        answers: how far they differ, by transport.
    """

    name: str
    files: int
    takes: str
    returns: str
    metadata: list[str]
    answers: dict[str, Difference] = field(default_factory=lambda: {name: Difference() for name in TRANSPORTS})

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.metadata) or any(each.unequal for each in self.answers.values())


def compare_repository(folder: Path, ours: Clients, theirs: Clients) -> list[Compared]:
    """Every model of a folder that both servers serve."""
    return [compare_model(path, ours, theirs) for path in sorted(folder.iterdir())]


def compare_model(folder: Path, ours: Clients, theirs: Clients) -> Compared:
    """The latest version of a model."""
    name, latest = folder.name, folder / str(versions(folder)[-1])
    image = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))["image"]
    metadata = ours.metadata(name)
    differing = metadata_differences(metadata, theirs.metadata(name))
    differing += metadata_differences(ours.metadata_over_grpc(name), theirs.metadata_over_grpc(name))
    files = sum(1 for _ in latest.iterdir())
    found = Compared(name, files, _shown(metadata["inputs"]), _shown(metadata["outputs"]), sorted(set(differing)))
    for transport, difference in found.answers.items():
        for inputs in random_requests(metadata, image, REQUESTS, MOST_ROWS):
            difference.add(ours.infer(transport, name, inputs), theirs.infer(transport, name, inputs))
    return found


def _shown(tensors: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['datatype']} {each['shape']}" for each in tensors)
