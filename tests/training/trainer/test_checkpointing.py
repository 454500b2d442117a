from pathlib import Path

import pytest
import torch
from torch import nn

from training.trainer.checkpointing import CheckpointFolder, TrainingCheckpoint
from training.trainer.state import TrainingState, adamw_one_cycle


def run(weight: float = 0.0) -> TrainingState:
    network = nn.Linear(1, 1)
    nn.init.constant_(network.weight, weight)
    return adamw_one_cycle(network, 10, ema_decay=0.9)


def test_what_was_saved_is_loaded_with_its_epochs(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "it.pt"
    TrainingCheckpoint(path, "a", seconds=0).save(run(3.0), 4, finished=False)
    other = run()
    assert TrainingCheckpoint(path, "a").load(other) == (4, False)
    assert other.network.weight.item() == 3.0
    TrainingCheckpoint(path, "a", seconds=0).save(run(5.0), 6, finished=True)
    assert TrainingCheckpoint(path, "a").load(other) == (6, True)
    assert [entry.name for entry in path.parent.iterdir()] == ["it.pt"]


@pytest.mark.parametrize("content", [None, b"", b"nonsense", "half", "other", "list"])
def test_what_is_missing_damaged_or_of_something_else_is_not_loaded(tmp_path: Path, content: object) -> None:
    path = tmp_path / "it.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    if content in ("half", "other"):
        TrainingCheckpoint(path, "b" if content == "other" else "a", seconds=0).save(run(3.0), 4, finished=False)
    if content == "half":
        path.write_bytes(path.read_bytes()[:1500])
    if content == "list":
        torch.save([1, 2], path)
    other = run(7.0)
    assert TrainingCheckpoint(path, "a").load(other) == (0, False)
    assert other.network.weight.item() == 7.0


def test_savings_are_seconds_apart_but_the_last_is_never_left_out(tmp_path: Path) -> None:
    now = 100.0
    checkpoint = TrainingCheckpoint(tmp_path / "it.pt", "a", seconds=5, clock=lambda: now)
    saved = []
    for epoch in range(1, 13):
        now += 2
        checkpoint.save(run(), epoch, finished=epoch == 12)
        saved.append(checkpoint.epochs())
    assert saved == [None, None, 3, 3, 3, 6, 6, 6, 9, 9, 9, 12]


def test_a_process_that_dies_while_it_saves_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = TrainingCheckpoint(tmp_path / "it.pt", "a", seconds=0)
    checkpoint.save(run(), 1, finished=False)

    write = Path.write_bytes

    def dies(path: Path, content: bytes) -> None:
        write(path, bytes(content)[: len(content) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", dies)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(run(), 2, finished=False)
    assert checkpoint.epochs() == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["it.pt"]


def test_a_folder_says_what_a_new_training_does_with_it_and_can_be_thrown_away(tmp_path: Path) -> None:
    saved = CheckpointFolder(tmp_path / "coins.checkpoint", "a")
    assert saved.message() == ""
    saved.checkpoint("coins: NAC head").save(run(), 20, finished=True)
    saved.checkpoint("coins: plain head").save(run(), 3, finished=True)
    assert sorted(path.name for path in saved.folder.iterdir()) == ["coins-NAC-head.pt", "coins-plain-head.pt"]
    assert saved.message() == f"Resuming from {saved.folder}: 23 epochs are done."
    other = CheckpointFolder(saved.folder, "b")
    assert other.message() == f"{saved.folder} is of another command or other images; training starts anew."
    saved.remove()
    assert not saved.folder.exists()
    saved.remove()
