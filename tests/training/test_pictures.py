from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.pictures import read_pictures
from training.errors import InputError


def folder(tmp_path: Path, rows: str, header: str = "file,label") -> tuple[Path, Path]:
    for name, value in (("a.png", 10), ("b.png", 200), ("c.png", 90)):
        Image.new("RGB", (6, 4), (value, 0, 0)).save(tmp_path / name)
    (tmp_path / "text.png").write_text("no picture")
    labels = tmp_path / "labels.csv"
    labels.write_text(f"{header}\n{rows}")
    return labels, tmp_path


def test_values_and_pictures_come_in_order(tmp_path: Path) -> None:
    data = read_pictures(*folder(tmp_path, "a.png,1.5\nb.png,-2\n"), "regression", "RGB")
    assert data.classes is None
    np.testing.assert_array_equal(data.labels, [1.5, -2])
    assert [picture.shape for picture in data.pictures] == [(3, 4, 6), (3, 4, 6)]
    assert data.pictures[1][:, 0, 0].tolist() == [200, 0, 0]


def test_classes_are_sorted_and_labels_point_to_them(tmp_path: Path) -> None:
    data = read_pictures(*folder(tmp_path, "a.png,dog\nb.png,cat\nc.png,dog\na.png,cat\n"), "classification", "L")
    assert data.classes == ["cat", "dog"]
    np.testing.assert_array_equal(data.labels, [1, 0, 1, 0])
    assert data.pictures[0].shape == (1, 4, 6)


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        ("regression", "a.png,1\nd.png,2\n", r"labels\.csv, row 2: .*d\.png does not exist; correct the name or --im"),
        ("regression", "a.png,1\ntext.png,2\n", r"row 2: .*text\.png is not a readable picture; replace it\.$"),
        ("regression", "a.png,1\nb.png,many\n", r"row 2 has the label 'many', which is not a number; correct it or"),
        ("regression", "a.png,1\nb.png,nan\n", r"row 2 has the label 'nan', which is not a number"),
        ("regression", "a.png,1\nb.png,1\n", r"the label is 1 in every row, so there is nothing to learn; vary it\.$"),
        ("regression", "a.png,1\nb.png,\n", r"row 2 has an empty label; fill it in or remove the row\.$"),
        ("regression", "", r"labels\.csv holds no rows below its header; name at least one picture\.$"),
        ("classification", "a.png,x\nb.png,x\n", r"every row has the label 'x'; classification needs at least two"),
        ("classification", "a.png,x\nb.png,x\nc.png,y\n", r"row 3 is the only one with label 'y'.*--task regression"),
    ],
)
def test_what_cannot_be_used_is_named_with_row_and_repair(tmp_path: Path, task: str, rows: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pictures(*folder(tmp_path, rows), task, "L")


def test_a_missing_column_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    labels, images = folder(tmp_path, "a.png,1\n", header="file,value")
    with pytest.raises(InputError, match=r"has no column 'label'; it needs the columns 'file' and 'label'\.$"):
        read_pictures(labels, images, "regression", "L")
    labels, images = folder(tmp_path, "a.png,1\n")
    with pytest.raises(InputError, match=r"nowhere is not a folder; give the folder of the pictures with --images\.$"):
        read_pictures(labels, images / "nowhere", "regression", "L")
