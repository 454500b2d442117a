"""A repository of many models."""

import json
import shutil
from pathlib import Path

SOURCE = Path("repository/multiply/1")
MANIFEST = "manifest.json"


def write_repository(root: Path, count: int) -> Path:
    """Write so many copies of the model ``multiply``, the first under its own name; returns the folder."""
    manifest = json.loads((SOURCE / MANIFEST).read_text(encoding="utf-8"))
    for number in range(count):
        name = f"multiply-{number}" if number else "multiply"
        folder = root / name / "1"
        shutil.copytree(SOURCE, folder)
        (folder / MANIFEST).write_text(json.dumps({**manifest, "name": name}), encoding="utf-8")
    return root
