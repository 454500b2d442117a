from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from training.data.image_files import ImageFiles, ImageReader
from training.data.image_folder import ImageDataset
from training.errors import InputError
from training.vision.split import ImageSplit, split_images

PATH = Path("labels.csv")


def data(labels: list[float], classes: list[str] | None = None) -> ImageDataset:
    """Images of one pixel, each of its own number."""
    images = [np.full((1, 1, 1), i % 256, np.uint8) for i in range(len(labels))]
    served = ImageFiles([Path(f"{i}.png") for i in range(len(labels))], ImageReader("L"))
    return ImageDataset(images, np.array(labels, float), classes, served, "", [])


def places(parts: ImageSplit) -> tuple[list[int], list[int], list[int]]:
    train, validation = (
        [int(image[0, 0, 0]) for image in (part.images if part else ())] for part in (parts.train, parts.validation)
    )
    assert isinstance(parts.test.images, ImageFiles)
    return train, validation, [int(file.stem) for file in parts.test.images.files]


def test_every_image_is_in_one_part_with_its_label() -> None:
    labels = list(np.random.default_rng(0).uniform(0, 9, 200))
    parts = split_images(data(labels), 0, PATH)
    train, validation, test = places(parts)
    assert sorted(train + validation + test) == list(range(200))
    assert (len(train), len(validation), len(test)) == (136, 24, 40)
    assert parts.notes == ["136 images to train on, 24 to choose the epoch by, 40 held out."]
    assert parts.validation is not None
    for part, index in ((parts.train, train), (parts.validation, validation), (parts.test, test)):
        assert part.labels.tolist() == [labels[i] for i in index]


def test_the_held_out_images_are_the_same_with_and_without_validation() -> None:
    labels = [float(i % 7) for i in range(150)]
    _, expected = train_test_split(np.arange(150), test_size=30, random_state=3)
    for validated in (True, False):
        parts = split_images(data(labels), 3, PATH, validated=validated)
        assert places(parts)[2] == expected.tolist()
        assert (parts.validation is not None) == validated


def test_classes_are_in_every_part_as_in_the_whole() -> None:
    labels = [0.0] * 150 + [1.0] * 50
    parts = split_images(data(labels, ["a", "b"]), 0, PATH)
    assert parts.validation is not None
    for part in (parts.train, parts.validation, parts.test):
        assert Counter(part.labels)[1.0] / len(part.labels) == pytest.approx(0.25, abs=0.01)


def test_a_rare_class_is_trained_on() -> None:
    parts = split_images(data([0.0] * 100 + [1.0] * 2, ["a", "b"]), 0, PATH)
    assert 1.0 in parts.train.labels


def test_few_images_are_all_trained_on_but_those_held_out() -> None:
    parts = split_images(data([float(i) for i in range(10)]), 0, PATH)
    assert parts.validation is None
    assert parts.notes == ["8 images to train on, 0 to choose the epoch by, 2 held out."]
    assert split_images(data([float(i) for i in range(90)]), 0, PATH).validation is not None


def test_other_seeds_hold_out_others() -> None:
    labels = [float(i) for i in range(100)]
    assert places(split_images(data(labels), 0, PATH))[2] != places(split_images(data(labels), 1, PATH))[2]


def test_what_cannot_be_split_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"^labels\.csv names 9 usable images; training and checking need at leas"):
        split_images(data([float(i) for i in range(9)]), 0, PATH)
    _, test = train_test_split(np.arange(10), test_size=2, random_state=0)
    labels = [float(i in test) for i in range(10)]
    with pytest.raises(InputError, match=r"^labels\.csv: the images to train on all have the label 0; add more t"):
        split_images(data(labels), 0, PATH)
