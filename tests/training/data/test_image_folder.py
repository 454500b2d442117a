"""Rows of a file of labels: read, or left out by name, or refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.decoding import format_names
from models.preprocessing import ImagePreprocessing
from training.data import dataset_scan, image_files
from training.data.image_files import ImageFiles, shapes_of, take_images
from training.data.image_folder import ImageDataset, read_image_folder
from training.errors import InputError


def folder(tmp_path: Path, rows: str, header: str = "file,label") -> tuple[Path, Path]:
    for name, value in (("a.png", 10), ("b.png", 200), ("c.png", 90), ("d.png", 30)):
        Image.new("RGB", (6, 4), (value, 0, 0)).save(tmp_path / name)
    (tmp_path / "text.png").write_text("no image")
    Image.effect_noise((30, 30), 50).save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:500])
    (tmp_path / "empty.png").write_bytes(b"")
    labels = tmp_path / "labels.csv"
    labels.write_text(f"{header}\n{rows}")
    return labels, tmp_path


def drawings(tmp_path: Path, count: int = 12, size: tuple[int, int] = (64, 48)) -> ImageDataset:
    random = np.random.default_rng(0)
    for i in range(count):
        noise = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        noise.resize(size, Image.Resampling.BICUBIC).save(tmp_path / f"{i}.{'jpg' if i % 2 else 'png'}")
    names = "\n".join(f"{i}.{'jpg' if i % 2 else 'png'},{i}" for i in range(count))
    (tmp_path / "drawings.csv").write_text(f"file,label\n{names}\n")
    return read_image_folder(tmp_path / "drawings.csv", tmp_path, "regression", "RGB", size=28)


def test_values_and_images_come_in_order(tmp_path: Path) -> None:
    data = read_image_folder(*folder(tmp_path, "a.png,1.5\nb.png,-2\n"), "regression", "RGB")
    assert data.classes is None
    np.testing.assert_array_equal(data.labels, [1.5, -2])
    assert [image.shape for image in data.images] == [(3, 4, 6), (3, 4, 6)]
    assert data.images[1][:, 0, 0].tolist() == [200, 0, 0]
    assert data.notes == []


def test_classes_are_sorted_and_labels_point_to_them(tmp_path: Path) -> None:
    data = read_image_folder(*folder(tmp_path, "a.png,dog\nb.png,cat\nc.png,dog\nd.png,cat\n"), "classification", "L")
    assert data.classes == ["cat", "dog"]
    np.testing.assert_array_equal(data.labels, [1, 0, 1, 0])
    assert data.images[0].shape == (1, 4, 6)


NOT_AN_IMAGE = f"is not a whole {format_names()} image; convert or replace it"
BAD = {
    "e.png,2": "row 4: e.png does not exist",
    "text.png,2": f"row 4: text.png {NOT_AN_IMAGE}",
    "half.png,2": f"row 4: half.png {NOT_AN_IMAGE}",
    "empty.png,2": f"row 4: empty.png {NOT_AN_IMAGE}",
    ".,2": "row 4: . is a folder",
    ",2": "row 4: names no file",
    "b.png,": "row 4: b.png has an empty label",
    "b.png,many": "row 4: b.png has the label 'many', which is not a number",
    "b.png,nan": "row 4: b.png has the label 'nan', which is not a number",
    "b.png,1_000": "row 4: b.png has the label '1_000', which is not a number",
}


@pytest.mark.parametrize(("row", "reported"), BAD.items(), ids=BAD)
def test_a_row_that_cannot_be_used_is_named_and_left_out_or_refused(tmp_path: Path, row: str, reported: str) -> None:
    labels, images = folder(tmp_path, f"a.png,1\nb.png,2\nc.png,3\n{row}\n")
    data = read_image_folder(labels, images, "regression", "L")
    assert data.labels.tolist() == [1, 2, 3]
    assert data.notes == ["1 of 4 rows cannot be used and is left out:", f"  {reported}"]
    repair = "convert or replace it" if reported.endswith(NOT_AN_IMAGE) else "correct it"
    message = rf"labels\.csv, row 4: .*; {repair}, or leave out --strict to go on without it\.$"
    with pytest.raises(InputError, match=message) as e:
        read_image_folder(labels, images, "regression", "L", strict=True)
    assert reported in str(e.value)


def test_files_without_their_end_marker_are_used_and_named(tmp_path: Path) -> None:
    labels, images = folder(tmp_path, "a.png,1\nb.png,2\ncut.png,3\ncut.jpg,4\n")
    (tmp_path / "cut.png").write_bytes((tmp_path / "c.png").read_bytes()[:-12])
    Image.new("L", (8, 8)).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-2])
    data = read_image_folder(labels, images, "regression", "L", strict=True)
    assert data.labels.tolist() == [1, 2, 3, 4]
    lacks = "lacks its end marker, as if it had been cut off; all of its pixels were read."
    assert data.notes[:3] == [
        "2 files are used with warnings:",
        f"  row 3: cut.png: The PNG {lacks}",
        f"  row 4: cut.jpg: The JPEG {lacks}",
    ]


def test_at_most_ten_rows_are_named(tmp_path: Path) -> None:
    rows = "".join(f"a.png,{i}\n" for i in range(20)) + "".join(f"gone{i}.png,1\n" for i in range(13))
    notes = read_image_folder(*folder(tmp_path, rows), "regression", "L").notes
    assert notes[0] == "13 of 33 rows cannot be used and are left out:"
    assert notes[1:12] == [*(f"  row {21 + i}: gone{i}.png does not exist" for i in range(10)), "  and 3 more"]


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        (
            "regression",
            "a.png,1\ne.png,2\nf.png,2\n",
            r"labels\.csv: 2 of 3 rows cannot be used, more than half; check --images, or correct them\. The first "
            r"is row 2: e\.png does not exist\.$",
        ),
        ("regression", "a.png,x\nb.png,y\nc.png,1\n", r"2 of 3 rows .*; use --task classification, or correct them\."),
        ("regression", "a.png,1\nb.png,1\n", r"the label is 1 in every row, so there is nothing to learn; vary it\.$"),
        ("regression", "", r"labels\.csv has no rows below its header; name at least one image\.$"),
        ("classification", "a.png,x\nb.png,x\n", r"every row has the label 'x'; classification needs at least two"),
        (
            "classification",
            "a.png,x\nb.png,x\nc.png,y\n",
            r"the label 'y' has a single image; classification needs at least two images a label\. For numbers use",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, task: str, rows: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_image_folder(*folder(tmp_path, rows), task, "L")


def test_a_missing_column_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    labels, images = folder(tmp_path, "a.png,1\n", header="file,size")
    with pytest.raises(
        InputError, match=r"has no column 'label'; it needs the columns 'file' and 'label', and has file, size\.$"
    ):
        read_image_folder(labels, images, "regression", "L")
    labels, images = folder(tmp_path, "a.png,1\n")
    with pytest.raises(InputError, match=r"nowhere is not a folder; give the folder of the images with --images\.$"):
        read_image_folder(labels, images / "nowhere", "regression", "L")


@pytest.mark.parametrize("limit", [20, 13])
def test_an_image_that_claims_too_many_pixels_is_left_out_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    labels, images = folder(tmp_path, "a.png,1\nb.png,2\nbig.png,3\n")
    Image.new("L", (7, 4)).save(tmp_path / "big.png")  # 28 pixels: Pillow warns above the limit, refuses above twice it
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    for name in ("a.png", "b.png"):
        Image.new("L", (3, 4), ord(name[0])).save(tmp_path / name)
    notes = read_image_folder(labels, images, "regression", "L").notes
    assert notes[1].startswith("  row 3: big.png claims more than ")


def test_images_are_resized_as_they_are_read_as_the_graph_would(tmp_path: Path) -> None:
    data = drawings(tmp_path)
    for image, whole in zip(data.images, data.served, strict=True):
        assert (image.shape, image.dtype) == ((3, 28, 28), np.uint8)
        exact = ImagePreprocessing(28, 28)(torch.from_numpy(whole)[None])[0].numpy()
        assert np.abs(image / 255 - exact).max() <= 0.5 / 255 + 1e-6
    assert {whole.shape for whole in data.served} == {(3, 48, 64)}


def test_what_takes_too_much_memory_is_decoded_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = drawings(tmp_path)
    monkeypatch.setattr(dataset_scan, "MAX_IN_MEMORY_BYTES", 5 * 28 * 28 * 3)
    lazy = drawings(tmp_path)
    assert isinstance(lazy.images, ImageFiles)
    assert lazy.notes == ["The images take 0.0 GiB, so they are decoded anew in every epoch."]
    assert lazy.digest == held.digest
    for one, other in zip(held.images, lazy.images, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(shapes_of(lazy.images)) == list(shapes_of(held.images)) == [(3, 28, 28)] * 12
    some = np.array([7, 2])
    for one, other in zip(take_images(held.images, some), take_images(lazy.images, some), strict=True):
        np.testing.assert_array_equal(one, other)
        assert list(shapes_of(take_images(lazy.images, some))) == [(3, 28, 28)] * 2
    np.testing.assert_array_equal(lazy.images[2:4][1], held.images[3])


def test_an_image_that_has_gone_meanwhile_is_an_input_error(tmp_path: Path) -> None:
    data = drawings(tmp_path)
    (tmp_path / "0.png").unlink()
    with pytest.raises(InputError, match=r"0\.png does not exist, and was an image before; put it back\.$"):
        data.served[0]


def test_the_digest_tells_other_images_and_other_labels_apart(tmp_path: Path) -> None:
    rows = "a.png,1\nb.png,2\nc.png,3\n"
    first = read_image_folder(*folder(tmp_path, rows), "regression", "L").digest
    assert read_image_folder(*folder(tmp_path, rows), "regression", "L").digest == first
    assert read_image_folder(*folder(tmp_path, rows.replace("3", "4")), "regression", "L").digest != first
    labels, images = folder(tmp_path, rows)
    Image.new("RGB", (6, 4), (11, 0, 0)).save(tmp_path / "a.png")
    assert read_image_folder(labels, images, "regression", "L").digest != first


@pytest.mark.parametrize(
    ("size", "reported"),
    [
        ((9, 7), "is 9 x 7 pixels, below the 8 a side that --size keep takes"),
        ((20, 21), "is 20 x 21 pixels, more than the 400 that --size keep takes"),
    ],
)
def test_images_that_cannot_keep_their_size_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], reported: str
) -> None:
    monkeypatch.setattr(image_files, "MAX_OWN_PIXELS", 400)
    labels, images = folder(tmp_path, "a.png,1\nb.png,2\nc.png,3\n")
    for name, value in (("a.png", 1), ("b.png", 2)):
        Image.new("L", (8, 50), value).save(tmp_path / name)
    Image.new("L", size).save(tmp_path / "c.png")
    data = read_image_folder(labels, images, "regression", "L", own_size=True)
    assert data.notes[1] == f"  row 3: c.png {reported}"
    assert [image.shape for image in data.images] == [(1, 50, 8)] * 2
