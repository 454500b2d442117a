"""Labelled images as people keep them: tables with other headers, folders of classes, copies, odd labels."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.image_folder import ImageDataset, read_image_folder
from training.errors import InputError
from training.vision.split import split_images


def image(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 4), shade).save(path)


def dataset(tmp_path: Path, rows: str, task: str = "classification", header: str = "file,label") -> ImageDataset:
    for i, name in enumerate("abcdef"):
        image(tmp_path / "images" / f"{name}.png", 20 * i)
    for name in "ab":
        image(tmp_path / "images" / f"{name}-again.png", 20 * "abcdef".index(name))
    (tmp_path / "labels.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    return read_image_folder(tmp_path / "labels.csv", tmp_path / "images", task, "L")


FOUR = "a.png,x\nb.png,x\nc.png,y\nd.png,y\n"


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("File,LABEL", "Images are named by column 'File', labels by column 'LABEL'."),
        ("filename,class", "Images are named by column 'filename', labels by column 'class'."),
        ("image,target", "Images are named by column 'image', labels by column 'target'."),
        ("path,label", "Images are named by column 'path', labels by column 'label'."),
    ],
)
def test_columns_of_other_names_are_found_and_reported(tmp_path: Path, header: str, note: str) -> None:
    data = dataset(tmp_path, FOUR, header=header)
    assert data.classes == ["x", "y"]
    assert data.notes == [note]


def test_columns_that_may_be_meant_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"several columns that may be 'label' \(class, target\); call the one that is"
    ):
        dataset(tmp_path, "a.png,x,1\n", header="file,class,target")
    with pytest.raises(
        InputError, match=r"has no column 'file'; it needs the columns 'file' and 'label', and has a, l"
    ):
        dataset(tmp_path, "a.png,x\n", header="a,label")
    assert dataset(tmp_path, "a.png,x,1\nb.png,y,2\nc.png,x,1\nd.png,y,2\n", header="file,label,class").classes == [
        "x",
        "y",
    ]


LABELS = {
    "case": ("b", "B", "The labels 'B' and 'b' are different classes; write them alike if they are one."),
    "numbers": ("0", "0.0", "The labels '0' and '0.0' are different classes; write them alike if they are one."),
    "missing": ("NA", "y", "The label 'NA' is a class here; leave the cell empty where a label is missing."),
    "null": ("null", "y", "The label 'null' is a class here; leave the cell empty where a label is missing."),
}


@pytest.mark.parametrize(("one", "other", "note"), LABELS.values(), ids=LABELS)
def test_labels_that_may_be_a_mistake_are_reported(tmp_path: Path, one: str, other: str, note: str) -> None:
    rows = f"a.png,{one}\nb.png,{one}\nc.png,{other}\nd.png,{other}\n"
    assert dataset(tmp_path, rows).notes == [note]


def test_labels_in_two_unicode_forms_are_one_and_spaces_around_are_none(tmp_path: Path) -> None:
    rows = "a.png,\u00e9\nb.png,e\u0301 \nc.png, y\nd.png,y\n"
    assert dataset(tmp_path, rows).classes == ["y", "\u00e9"]


def test_values_with_decimal_commas_are_read(tmp_path: Path) -> None:
    data = dataset(tmp_path, 'a.png,"1,5"\nb.png,"2,25"\nc.png,3\n', "regression")
    assert data.labels.tolist() == [1.5, 2.25, 3]
    assert data.notes == ["Numbers have ',' as the decimal mark, such as 1,5."]


VALUES = {
    "marks between thousands alone": (["1.234,5", "2.345,6", "1.5"], [1234.5, 2345.6, 1.5]),
    "other marks": (["1,234,567", "-2,345.5", "1,234,56", "1,234e3,5", "7"], [1234567, -2345.5, 7]),
    "spaces": (["1 234,5", "2 345,25", "12 34", "6"], [1234.5, 2345.25, 6]),
}


@pytest.mark.parametrize(("texts", "values"), VALUES.values(), ids=VALUES)
def test_marks_elsewhere_than_between_thousands_are_not_dropped(
    tmp_path: Path, texts: list[str], values: list[float]
) -> None:
    rows = "".join(f'{name}.png,"{text}"\n' for name, text in zip("abcdef", texts, strict=False))
    assert dataset(tmp_path, rows, "regression").labels.tolist() == values


def test_an_image_with_two_classes_is_named_and_left_out_or_rejected(tmp_path: Path) -> None:
    rows = FOUR + "e.png,x\nf.png,x\na.png,y\nb-again.png,y\n"
    data = dataset(tmp_path, rows)
    assert [file.name for file in data.served.files] == ["c.png", "d.png", "e.png", "f.png"]
    assert len(data.images) == len(data.labels) == 4
    assert data.notes == [
        "2 images have several labels and are left out (first: row 1: a.png is 'x', row 7: a.png the same image and "
        "'y')."
    ]
    message = (
        r"labels\.csv: row 1: a\.png is 'x', row 7: a\.png the same image and 'y'; give it one label, or leave out"
    )
    with pytest.raises(InputError, match=message):
        read_image_folder(tmp_path / "labels.csv", tmp_path / "images", "classification", "L", strict=True)
    with pytest.raises(InputError, match=r"give it one label, as most rows are of such images\.$"):
        dataset(tmp_path, "a.png,x\na.png,y\nb.png,x\nb.png,y\nc.png,x\n")


def test_an_image_with_two_values_is_named_and_used(tmp_path: Path) -> None:
    data = dataset(tmp_path, "a.png,1\nb.png,2\na.png,3\n", "regression")
    assert data.labels.tolist() == [1, 2, 3]
    [note] = data.notes
    assert note == (
        "1 image has several values, which are all used (first: row 1: a.png is '1', row 3: a.png the same image and "
        "'3')."
    )
    assert dataset(tmp_path, "a.png,1\nb.png,2\na.png,1.0\n", "regression").notes == [
        "1 file is a copy of another (first: row 3: a.png of row 1: a.png); copies of an image are trained on, or held "
        "out, together."
    ]


def test_copies_of_an_image_are_in_one_part(tmp_path: Path) -> None:
    rows = []
    for i in range(40):
        image(tmp_path / "images" / f"{i}.png", i)
        rows += [f"{i}.png,{'xy'[i % 2]}"] * (1 + i % 3)
    data = dataset(tmp_path, "\n".join(rows))
    parts = split_images(data, 0, Path("labels.csv"))
    shades = [{int(pixels[0, 0, 0]) for pixels in part.images} for part in (parts.train, parts.test)]
    assert shades[0] | shades[1] == set(range(40))
    assert not shades[0] & shades[1]
    assert len(parts.train.images) + len(parts.test.images) == len(rows)
    with pytest.raises(InputError, match=r"names 5 usable images; training and checking need at least 10, so add some"):
        split_images(
            dataset(tmp_path, "".join(f"{i}.png,{'xy'[i % 2]}\n" for i in range(5)) * 3), 0, Path("labels.csv")
        )


def folders(tmp_path: Path, *files: str) -> Path:
    for i, name in enumerate(files):
        if name.endswith(".png"):
            image(tmp_path / "classes" / name, i)
        else:
            (tmp_path / "classes" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "classes" / name).write_text("x")
    return tmp_path / "classes"


def test_folders_are_classes_and_what_is_no_image_is_left_out_by_name(tmp_path: Path) -> None:
    files = ["cat/1.png", "cat/deep/er/2.png", "dog/1.png", "dog/2.png", "dog/.hidden.png", ".git/1.png"]
    junk = ["cat/Thumbs.db", "cat/.DS_Store", "__MACOSX/cat/1.png", "cat/notes.txt", "labels.csv", "bird/readme.md"]
    place = folders(tmp_path, *files, *junk)
    data = read_image_folder(place, None, "classification", "L")
    assert data.classes == ["cat", "dog"]
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert [file.relative_to(place).as_posix() for file in data.served.files] == files[:4]
    assert data.notes == [
        "Folders without images are left out: bird.",
        "3 files are no images of a class and are left out: bird/readme.md, cat/notes.txt, labels.csv.",
    ]


def test_folders_with_names_of_numbers_have_values(tmp_path: Path) -> None:
    data = read_image_folder(folders(tmp_path, "1/a.png", "2.5/b.png", "-3/c.png"), None, "regression", "L")
    assert sorted(data.labels.tolist()) == [-3, 1, 2.5]


def test_folders_with_names_of_decimal_commas_have_values(tmp_path: Path) -> None:
    data = read_image_folder(folders(tmp_path, "1/a.png", "2,5/b.png", "-3,25/c.png"), None, "regression", "L")
    assert sorted(data.labels.tolist()) == [-3.25, 1, 2.5]
    assert data.notes == ["Numbers have ',' as the decimal mark, such as -3,25."]


def test_a_pipe_among_the_images_is_named_and_not_waited_for(tmp_path: Path) -> None:
    place = folders(tmp_path, "x/1.png", "x/2.png", "y/3.png", "y/4.png")
    os.mkfifo(place / "x" / "pipe.png")
    data = read_image_folder(place, None, "classification", "L")
    assert len(data.labels) == 4
    assert data.notes == ["1 of 5 files cannot be used and is left out:", "  x/pipe.png is no regular file"]


@pytest.mark.parametrize("name", ["n" * 5000 + ".png", "a\x1b[2J.png", "deep/" * 900 + "a.png"])
def test_a_name_of_any_length_and_characters_is_shown_short_and_plain(tmp_path: Path, name: str) -> None:
    last = dataset(tmp_path, f"{FOUR}{name},x\n").notes[-1]
    assert len(last) < 200
    assert last.isprintable()
    assert last.endswith(" does not exist")


def test_broken_files_and_contradictions_in_folders_are_named_by_their_files(tmp_path: Path) -> None:
    place = folders(tmp_path, "x/1.png", "x/2.png", "y/3.png", "y/4.png", "x/5.png", "y/6.png")
    (place / "x" / "broken.png").write_text("no image")
    (place / "y" / "again.png").write_bytes((place / "x" / "1.png").read_bytes())
    notes = read_image_folder(place, None, "classification", "L").notes
    assert notes[0] == "1 of 8 files cannot be used and is left out:"
    assert notes[1].startswith("  x/broken.png is not a whole ")
    assert notes[2:] == [
        "1 image has several labels and is left out (first: x/1.png is 'x', y/again.png the same image and 'y')."
    ]


FOLDERS = {
    "flat": (
        ["1.png"],
        r"classes holds no folders, of which each would be a class; sort the images into some, or give",
    ),
    "split": (["train/x/1.png", "Test/x/2.png"], r"holds parts of a split \(Test, train\) and no classes; give one of"),
    "no images": (["x/a.txt", "y/b.txt"], r"classes holds no images in its folders; put some there, as PNG"),
    "one class": (["x/1.png", "x/2.png"], r"every row has the label 'x'; classification needs at least two labels\."),
}


@pytest.mark.parametrize(("files", "message"), FOLDERS.values(), ids=FOLDERS)
def test_folders_that_are_no_classes_are_one_sentence(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_image_folder(folders(tmp_path, *files), None, "classification", "L")


def test_a_table_needs_the_folder_of_its_images_and_a_folder_needs_none(tmp_path: Path) -> None:
    place = folders(tmp_path, "x/1.png", "y/2.png")
    with pytest.raises(InputError, match=r"classes is a folder; give one of folders of classes without --images, or a"):
        read_image_folder(place, place, "classification", "L")
    dataset(tmp_path, FOUR)
    with pytest.raises(InputError, match=r"^--images is missing; give the folder of the images that .*labels\.csv nam"):
        read_image_folder(tmp_path / "labels.csv", None, "classification", "L")


def test_files_outside_of_the_folder_are_reported(tmp_path: Path) -> None:
    image(tmp_path / "far.png", 200)
    notes = dataset(tmp_path, "../far.png,x\n" + FOUR).notes
    assert notes == [f"1 file lies outside of the folder of the images (first: {tmp_path}/images/../far.png)."]


def test_every_image_is_used_in_the_order_of_the_rows(tmp_path: Path) -> None:
    data = dataset(tmp_path, "C,y\n.\\a.PNG,x\nimages/d.png,y\nb,x\n")
    assert [int(pixels[0, 0, 0]) for pixels in data.images] == [40, 0, 60, 20]
    np.testing.assert_array_equal(data.labels, [1, 0, 1, 0])
