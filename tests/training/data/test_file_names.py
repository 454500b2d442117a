"""Names of tables find their files, whatever tables and file systems make of them."""

import unicodedata
from pathlib import Path

import pytest

from training.data.file_names import FileFinder
from training.data.image_files import BadImageError

NFC, NFD = (unicodedata.normalize(form, "é1.png") for form in ("NFC", "NFD"))


@pytest.fixture
def finder(tmp_path: Path) -> FileFinder:
    folder = tmp_path / "data" / "images"
    for name in ("001.png", "002.JPG", "sub/003.png", "sub dir/4 a.png", NFD, "two.png", "two.jpg", "X.png", "x.PNG"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "outside.png").touch()
    return FileFinder(folder)


FOUND = {
    "001.png": "001.png",
    "001": "001.png",
    "./001.png": "001.png",
    "001.PNG": "001.png",
    "002.jpg": "002.JPG",
    "sub\\003.png": "sub/003.png",
    ".\\sub\\003": "sub/003.png",
    "SUB/003.png": "sub/003.png",
    "images/001.png": "001.png",
    "images\\sub\\003.png": "sub/003.png",
    "data/images/001": "001.png",
    "sub dir/4 a.png": "sub dir/4 a.png",
    NFC: NFD,
    NFD: NFD,
    unicodedata.normalize("NFC", "É1"): NFD,
    "sub/../001.png": "sub/../001.png",
    "../../outside.png": "../../outside.png",
    "X.png": "X.png",
}


@pytest.mark.parametrize(("name", "file"), FOUND.items(), ids=map(ascii, FOUND))
def test_a_name_finds_the_one_file_that_fits(finder: FileFinder, name: str, file: str) -> None:
    assert finder.find(name) == finder.folder / file


def test_an_absolute_name_is_found_in_any_form(finder: FileFinder) -> None:
    for name in ("001.png", "001", "001.PNG"):
        assert finder.find(str(finder.folder / name)) == finder.folder / "001.png"


MISSING = {
    "two": "may be any of two.jpg, two.png",
    "x.Png": "may be any of X.png, x.PNG",
    "005.png": "does not exist",
    "001.jpg": "does not exist, but 001.png does",
    "sub": "is a folder",
    "gone/001.png": "does not exist",
    "train/images/001.png": "does not exist",
    "C:\\data\\001.png": "does not exist",
    "a\0.png": "does not exist",
}


@pytest.mark.parametrize(("name", "problem"), MISSING.items(), ids=map(ascii, MISSING))
def test_a_name_that_no_file_or_several_have_says_so(finder: FileFinder, name: str, problem: str) -> None:
    with pytest.raises(BadImageError) as raised:
        finder.find(name)
    assert str(raised.value) == problem


def test_files_outside_of_the_folder_are_told_apart(finder: FileFinder) -> None:
    assert not finder.is_outside(finder.find("sub/003.png"))
    assert not finder.is_outside(finder.find(str(finder.folder / "001.png")))
    assert finder.is_outside(finder.find("../../outside.png"))
