from pathlib import Path

import pytest

from app.repository.scan import list_repository
from models.manifest import ONNX_FILE
from training.export.version_folder import staging


def test_no_server_takes_a_folder_that_is_being_written_for_a_model(tmp_path: Path) -> None:
    """Triton takes a name with a dot for ``model.<backend>``, and looks for a graph in the folder and its first one."""
    with staging(tmp_path) as folder:
        (folder / ONNX_FILE).touch()
        [top] = tmp_path.iterdir()
        assert "." not in top.name
        assert not {*top.glob(ONNX_FILE), *top.glob(f"*/{ONNX_FILE}")}
        assert list_repository(tmp_path).folders == {}
        assert folder.stat().st_mode & 0o777 == 0o755
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_give_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def write_and_give_up(repository: Path) -> None:
    with staging(repository) as folder:
        (folder / ONNX_FILE).touch()
        raise KeyboardInterrupt
