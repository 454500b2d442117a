import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from models.manifest import Manifest, ManifestError, versions
from tests.app.factory import manifest_of

FIELDS = manifest_of("sum", 1)


def write(folder: Path, **changes: Any) -> Path:
    (folder / "manifest.json").write_text(json.dumps({**FIELDS, **changes}))
    return folder


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = Manifest.read(write(tmp_path))
    assert manifest.columns == ["a", "b"]
    assert json.loads(manifest.model_dump_json(exclude_unset=True)) == FIELDS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../x"}, r"not a valid manifest at 'name'"),
        ({"version": 0}, r"at 'version'"),
        ({"surprise": 1}, r"at 'surprise'"),
        ({"training": {**FIELDS["training"], "ranges": [[0, 1]]}}, r"of 2 inputs needs 2 columns and 2 ranges"),
        ({"task": "image-regression"}, r"task 'image-regression' needs 'image'"),
        (
            {"task": "image-classification", "image": {"mode": "L", "height": 8, "width": 8, "resize": True}},
            r"task 'image-classification' needs at least two 'classes'",
        ),
        ({"files": {"model.onnx": {"sha256": "xyz", "bytes": 1}}}, r"at 'files.model.onnx.sha256'"),
    ],
)
def test_an_inconsistent_manifest_is_rejected_with_the_location(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        Manifest.read(write(tmp_path, **changes))


def test_errors_of_missing_and_broken_manifests_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json cannot be read: No such file or directory\.$"):
        Manifest.read(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ManifestError, match=r"manifest\.json is not a valid manifest: Invalid JSON"):
        Manifest.read(tmp_path)


def test_only_verified_bytes_are_returned(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    manifest = Manifest.read(write(tmp_path, files={"model.onnx": {"sha256": digest, "bytes": 7}}))
    with pytest.raises(ManifestError, match=r"model\.onnx cannot be read"):
        manifest.read_file(tmp_path, "model.onnx")
    (tmp_path / "model.onnx").write_bytes(b"weights")
    assert manifest.read_file(tmp_path, "model.onnx") == b"weights"
    (tmp_path / "model.onnx").write_bytes(b"Weights")
    with pytest.raises(ManifestError, match=rf"has SHA-256 [0-9a-f]{{12}}\.\.\., the manifest lists {digest[:12]}"):
        manifest.read_file(tmp_path, "model.onnx")
    with pytest.raises(ManifestError, match=r"lists no file 'model\.pt'\.$"):
        manifest.read_file(tmp_path, "model.pt")


def test_only_folders_of_plain_positive_integers_are_versions(tmp_path: Path) -> None:
    for name in ("1", "2", "10", "0", "01", "v3", ".staging-1", "³"):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("a file")
    assert versions(tmp_path) == [1, 2, 10]
    assert versions(tmp_path / "nowhere") == []
