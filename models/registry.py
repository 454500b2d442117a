"""A registry whose entries are files: to add a unit, a task, a backend or a default model is to add one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class UnknownNameError(ValueError):
    """A name that no file of the registry has."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Finds entries by the name of the file that defines them, and imports that file alone.

    ``square_root.py`` is ``"square-root"``. Case, hyphens and underscores do not matter when a name is looked up, so
    ``"NALU"`` finds ``nalu.py``, ``"RealNPU"`` and ``"real-npu"`` find ``real_npu.py``. Listing the names imports
    nothing, which is what keeps PyTorch out of a service that uses another backend.

    Args:
        kind: what an entry is called in messages, for example ``"unit"``.
        package: the package whose files are the entries; folders and names with a leading underscore are helpers.
        attribute: the module-level name under which each file offers its entry, for example ``"UNIT"``.
        published: entries have a published spelling, which is what is listed: the file's ``NAME``, or else its name
            in capitals. Listing them then imports the files.
        optional: files may lack the attribute, and are then no entries. Listing them then imports the files.
    """

    kind: str
    package: str
    attribute: str
    published: bool = False
    optional: bool = False

    def names(self) -> list[str]:
        """Names of all entries, sorted."""
        return sorted((self._spelling(stem) for stem in self._stems()), key=str.lower)

    def canonical(self, name: str, also: Sequence[str] = ()) -> str:
        """The one spelling of a name, as ``names`` lists it, or of one that is valid besides.

        Raises:
            UnknownNameError: no file has that name.
        """
        besides = [other for other in also if _key(other) == _key(name)]
        return besides[0] if besides else self._spelling(self._find(name, also))

    def load(self, name: str) -> T:
        """Import the entry's file and return the entry.

        Raises:
            UnknownNameError: no file has that name.
        """
        return cast(T, getattr(self._import(self._find(name)), self.attribute))

    def _stems(self) -> list[str]:
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        found = (entry.name for entry in iter_modules(folders) if not (entry.ispkg or entry.name.startswith("_")))
        return [stem for stem in found if not self.optional or hasattr(self._import(stem), self.attribute)]

    def _find(self, name: str, also: Sequence[str] = ()) -> str:
        for stem in self._stems():
            if _key(stem) == _key(name):
                return stem
        known = sorted({*self.names(), *also}, key=str.lower)
        raise UnknownNameError(f"Unknown {self.kind} {name!r}. Available: {', '.join(known)}.")

    def _spelling(self, stem: str) -> str:
        name = stem.replace("_", "-")
        return str(getattr(self._import(stem), "NAME", name.upper())) if self.published else name

    def _import(self, stem: str) -> ModuleType:
        return import_module(f"{self.package}.{stem}")


def _key(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
