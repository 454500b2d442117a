"""Finds the files that a table names, in the spellings that tables and file systems differ in."""

import os
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

from training.data.image_files import BadImageError
from training.data.labels import unicode_form
from training.data.tables.excerpt import listed

Listing = dict[str, list[str]]
"""The names in a folder, by what they have in common."""
ListFolder = Callable[[Path], tuple[Listing, Listing]]


class FileFinder:
    """Finds files in a folder by the names of a table.

    A name may have backslashes for slashes, begin with the folder's own name, lack its extension, or differ in case or
    in the Unicode form of its accents, where one file alone fits.

    Args:
        folder: where names that are not absolute begin.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own_parts = folder.absolute().parts
        self.list_folder: ListFolder = cache(_list_folder)

    def find(self, name: str) -> Path:
        """The file of a name.

        Raises:
            BadImageError: none fits, or several do.
        """
        exact = self.folder / name
        if "\\" not in name and _is_file(exact):
            return exact
        path = PurePosixPath(name.replace("\\", "/").strip())
        if path.is_absolute():
            return self._in(Path(path.anchor), path.parts[1:])
        try:
            return self._in(self.folder, path.parts)
        except BadImageError:
            rest = self._without_own_name(path.parts)
            if not rest:
                raise
        return self._in(self.folder, rest)

    def is_outside(self, file: Path) -> bool:
        """Whether a file lies outside the folder, its links not followed."""
        place, folder = (Path(os.path.normpath(path.absolute())) for path in (file, self.folder))
        return not place.is_relative_to(folder)

    def _in(self, folder: Path, parts: tuple[str, ...]) -> Path:
        """The file of these parts, each as it is or as the only one that is alike."""
        place = folder
        for part in parts[:-1]:
            exact = part == ".." or _is_folder(place / part)
            place /= part if exact else _alike(self.list_folder, place, part, "folders")
        last = parts[-1] if parts else "."
        return place / (last if _is_file(place / last) else _alike(self.list_folder, place, last, "files"))

    def _without_own_name(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The rest of a path that begins with the last folders of this one, such as ``images/``."""
        for count in range(min(len(parts) - 1, len(self.own_parts)), 0, -1):
            if self.own_parts[-count:] == parts[:count]:
                return parts[count:]
        return ()


def _alike(list_folder: ListFolder, folder: Path, name: str, what: str) -> str:
    """The only entry of a folder whose name is the same in another form or, for files, with an extension.

    Raises:
        BadImageError: there is none, or several are.
    """
    if what == "files" and _is_folder(folder / name):
        raise BadImageError("is a folder")
    (names, stems), form = list_folder(folder), unicode_form(name)
    for key, listing in ((form, names), (form.casefold(), names), (form.casefold(), stems)):
        found = listing.get(key, [])
        if len(found) == 1 and (listing is names or what == "files"):
            return found[0]
        if (found and listing is names) or (len(found) > 1 and what == "files"):
            raise BadImageError(f"may be any of {listed(found)}", "write the whole name")
    other = stems.get(unicode_form(PurePosixPath(name).stem).casefold(), []) if what == "files" else []
    raise BadImageError(f"does not exist{f', but {listed(other)} does' if other else ''}")


def _list_folder(folder: Path) -> tuple[Listing, Listing]:
    """The entries of a folder by their Unicode form and without case, and its files by name without extension."""
    names: Listing = defaultdict(list)
    stems: Listing = defaultdict(list)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):  # a name with a zero byte is a ValueError
        return names, stems
    for entry in entries:
        form = unicode_form(entry.name)
        for key in {form, form.casefold()}:
            names[key].append(entry.name)
        if entry.is_file():
            stems[PurePosixPath(form).stem.casefold()].append(entry.name)
    return names, stems


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
