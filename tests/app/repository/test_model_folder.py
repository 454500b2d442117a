"""NALU_MODEL_NAME: the folder of one model, as KServe mounts it, in the place of a repository."""

import shutil
from pathlib import Path

import pytest

from app.backends import create_backend
from app.repository.repository import Repository
from tests.app.factory import add_file, manifest_of, running, sum_onnx, write_sum, write_version


def reason(root: Path) -> str:
    """Why the model ``half`` of a folder is damaged."""
    with running(root, model_name="half") as client:
        response = client.get("/health/ready")
    assert response.status_code == 503
    [model] = response.json()["models"]
    assert (model["name"], model["version"], model["state"]) == ("half", 1, "damaged")
    return str(model["reason"])


def test_the_versions_of_one_model_are_served_by_the_name_of_the_setting(tmp_path: Path) -> None:
    for version in (1, 3):
        write_sum(tmp_path, version=version, weight=version)
    with running(tmp_path / "sum", model_name="half") as client:
        found = [client.get(path).json() for path in ("/models/half/versions", "/v2/models/half")]
        latest, first = (
            client.post("/predict/arithmetic", json={"model": "half", "inputs": [[1, 2]]} | version).json()
            for version in ({}, {"version": 1})
        )
        assert client.get("/models/sum").status_code == 404
    assert [version["version"] for version in found[0]["versions"]] == [1, 3]
    assert (found[1]["name"], found[1]["versions"]) == ("half", ["1", "3"])
    assert (latest["model"], latest["version"], latest["predictions"]) == ("half", 3, [[9.0]])
    assert (first["version"], first["predictions"]) == (1, [[3.0]])


def test_the_files_of_one_version_are_served_as_the_version_of_their_manifest(tmp_path: Path) -> None:
    folder = add_file(write_sum(tmp_path, version=7), "report.html", b"<p>A report")
    with running(folder, model_name="half") as client:
        answer = client.post("/predict/arithmetic", json={"model": "half", "inputs": [[1, 2]]}).json()
        report = client.get("/models/half/report")
    assert (answer["model"], answer["version"], answer["predictions"]) == ("half", 7, [[3.0]])
    assert report.text == "<p>A report"


def test_the_name_of_a_version_folder_must_be_the_version_of_its_manifest(tmp_path: Path) -> None:
    write_version(tmp_path, sum_onnx(), manifest_of("sum", 2), folder=tmp_path / "1")
    assert reason(tmp_path) == f"{tmp_path / '1'} has the manifest of 'half' version 2; move it to its own folder."


def test_an_empty_folder_is_reported_with_what_it_needs(tmp_path: Path) -> None:
    assert reason(tmp_path) == (
        f"{tmp_path} holds no model; it needs manifest.json and model.onnx, or a folder with them for each version."
    )


def test_versions_beside_the_files_of_one_are_reported(tmp_path: Path) -> None:
    write_sum(tmp_path, version=2)
    write_version(tmp_path, sum_onnx(), manifest_of("sum", 1), folder=tmp_path / "sum")
    assert reason(tmp_path / "sum") == (
        f"{tmp_path / 'sum'} holds versions (2) and the files of one (manifest.json, model.onnx); keep either."
    )


@pytest.mark.parametrize(("names", "listed"), [("ab", "a, b"), ("abcd", "a, b, c, ...")])
def test_a_repository_in_the_place_of_one_model_is_reported(tmp_path: Path, names: str, listed: str) -> None:
    for name in names:
        write_sum(tmp_path, name)
    assert reason(tmp_path) == (
        f"{tmp_path} holds models ({listed}), and NALU_MODEL_NAME is for the folder of one; "
        "give that folder, or leave NALU_MODEL_NAME out."
    )


@pytest.mark.parametrize("inside", [".", "1"])
def test_an_onnx_file_without_a_manifest_is_reported_with_the_command_that_makes_one(
    tmp_path: Path, inside: str
) -> None:
    folder = tmp_path / inside
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(sum_onnx())
    assert reason(tmp_path) == (
        f"{folder / 'manifest.json'} cannot be read: No such file or directory. This makes a folder with one, "
        "repository/half, which can take its place: python -m training import model.onnx --name half"
    )


def test_a_model_whose_folder_is_emptied_is_served_on_with_the_reason(tmp_path: Path) -> None:
    folder = write_sum(tmp_path)
    repository = Repository(folder, create_backend("onnx", "cpu", 1), model_name="half")
    repository.refresh()
    for file in folder.iterdir():
        file.unlink()
    repository.refresh()
    [(key, entry)] = repository.entries()
    assert (key, entry.model is not None) == (("half", 1), True)
    assert entry.reason is not None
    assert entry.reason.startswith(f"{folder} holds no model;")
    assert entry.reason.endswith("The previously loaded model is still served.")


def test_versions_come_and_go_while_the_service_runs(tmp_path: Path) -> None:
    write_sum(tmp_path, version=1)
    repository = Repository(tmp_path / "sum", create_backend("onnx", "cpu", 1), model_name="half")
    seen = []
    for change in (lambda: None, lambda: write_sum(tmp_path, version=2), lambda: shutil.rmtree(tmp_path / "sum/1")):
        change()
        repository.refresh()
        seen.append([key for key, entry in repository.entries() if entry.model])
    assert seen == [[("half", 1)], [("half", 1), ("half", 2)], [("half", 2)]]
    assert [(entry.name, entry.version, entry.state) for entry in repository.index()] == [("half", 2, "READY")]
