"""A full disk: one sentence with the path and the repair; nothing half-written and nothing temporary is left."""

import errno
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from torch import nn

from models.manifest import Manifest
from training.__main__ import main
from training.cli.validators import check_folders
from training.errors import InputError
from training.export.checkpoint import load_checkpoint
from training.export.write import Export, write_model
from training.output.figures import new_figure, save_figure
from training.output.whole_file import write_whole_file
from training.trainer.checkpointing import TrainingCheckpoint
from training.trainer.state import adamw_one_cycle

ADD = Path("repository/add/1")


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Within this context, no file can be larger: as on a full disk, writing stops in its midst."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def export() -> Export:
    """The default model add."""
    inputs = np.random.default_rng(0).uniform(1, 10, (8, 2))
    fields = Manifest.read(ADD).model_dump(exclude={"name", "version", "files"})
    return Export(load_checkpoint(ADD / "weights.safetensors"), {"interpolation": inputs}, fields)


def stage(target: Any, attribute: str, last: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The disk is full when the file or folder of this name is written."""
    original = getattr(target, attribute)

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        def written(*arguments: Any, **options: Any) -> Any:
            return full() if any(Path(str(a)).name == last for a in arguments) else original(*arguments, **options)

        monkeypatch.setattr(target, attribute, written)

    return patch


STAGES = {
    "onnx": stage(onnx, "save_model", "model.onnx"),
    "torchscript": stage(Path, "write_bytes", "model.pt"),
    "weights": stage(Path, "write_bytes", "weights.safetensors"),
    "manifest": stage(Path, "write_text", "manifest.json"),
    "rename": stage(Path, "rename", "1"),
}


@pytest.mark.parametrize("fill", STAGES.values(), ids=STAGES)
def test_an_export_leaves_nothing_and_names_the_model_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: Export, fill: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fill(monkeypatch)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_model(export, tmp_path, "add")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "add"))
    assert listing(tmp_path) == []


def test_a_version_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: Export
) -> None:
    shutil.copytree(ADD, tmp_path / "add" / "1")
    before, rename = listing(tmp_path), Path.rename

    def second_fails(path: Path, target: Path) -> Path:
        return full() if path.name == "version" else rename(path, target)  # type: ignore[func-returns-value]

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OSError, match="No space left on device"):
        write_model(export, tmp_path, "add", version=1)
    assert listing(tmp_path) == before
    assert (tmp_path / "add" / "1" / "manifest.json").read_bytes() == (ADD / "manifest.json").read_bytes()


def test_a_file_over_the_limit_is_not_left_in_half(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_whole_file(path, b"old")
    with file_limit(1000), pytest.raises(OSError, match="File too large") as caught:
        write_whole_file(path, bytes(2000))
    assert caught.value.filename == str(path)
    assert (listing(path.parent), path.read_bytes()) == (["file"], b"old")


def test_a_folder_that_cannot_be_made_is_named_with_its_own_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for write in (lambda path: write_whole_file(path, b""), lambda path: save_figure(new_figure(2, 2), path)):
        with pytest.raises(OSError, match=r"Not a directory|File exists") as caught:
            write(tmp_path / "file" / "below")
        assert caught.value.filename == str(tmp_path / "file" / "below")
    assert listing(tmp_path) == ["file"]


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_that_was_made_for_the_file_is_not_left_empty(tmp_path: Path, made: bool) -> None:
    path = tmp_path / "folder" / "file"
    if made:
        path.parent.mkdir()
    with file_limit(1000), pytest.raises(OSError, match="File too large"):
        write_whole_file(path, bytes(2000))
    assert listing(tmp_path) == ["folder"] * made


def test_a_plot_is_written_whole_or_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    figure = new_figure(2, 2)
    save_figure(figure, path)
    before = path.read_bytes()
    with file_limit(100), pytest.raises(OSError, match="File too large") as caught:
        save_figure(figure, path)
    assert caught.value.filename == str(path)
    assert (listing(tmp_path), path.read_bytes()) == (["plot.png"], before)


def test_a_training_state_is_saved_whole_or_the_old_one_stays(tmp_path: Path) -> None:
    training = adamw_one_cycle(nn.Linear(1, 1), 10, ema_decay=0.9)
    path = tmp_path / "it.pt"
    checkpoint = TrainingCheckpoint(path, "a", seconds=0)
    checkpoint.save(training, 1, finished=False)
    with file_limit(1000), pytest.raises(OSError, match="File too large") as caught:
        checkpoint.save(training, 2, finished=False)
    assert caught.value.filename == str(path)
    assert listing(tmp_path) == ["it.pt"]
    assert checkpoint.epochs() == 1


def test_a_folder_without_space_is_one_sentence_before_training(tmp_path: Path) -> None:
    with file_limit(1000), pytest.raises(InputError) as caught:
        check_folders(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} cannot be written to (File too large); free space there, or give another folder."
    )
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "models/add cannot be written to (No space left on device); free space there, or give another"),
        (errno.EDQUOT, "models/add cannot be written to (Disk quota exceeded); free space there, or give another"),
        (errno.EROFS, "models/add: Read-only file system; check the path, its permissions and its disk."),
        (errno.EACCES, "models/add: Permission denied; check the path, its permissions and its disk."),
        (errno.EIO, "models/add: Input/output error; check the path, its permissions and its disk."),
    ],
)
def test_an_error_of_the_disk_is_one_sentence_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, sentence: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "models/add")

    monkeypatch.setattr("training.cli.commands.run", fail)
    assert main(["evaluate", "add"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"nalu-serve: {sentence}")
    assert printed.count("\n") == 1
