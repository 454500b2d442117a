"""A registry whose entries are files: to add a unit, a task, a backend or a default model is to add one file."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class UnknownNameError(ValueError):
    """A name that no file of the registry bears."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Finds entries by the name of the file that defines them, and imports that file alone.

    ``square_root.py`` is ``"square-root"``; case does not matter, so ``"NALU"`` finds ``nalu.py``. Listing the
    names imports nothing, which is what keeps PyTorch out of a service that uses another backend.

    Args:
        kind: what an entry is called in messages, for example ``"unit"``.
        package: the package whose files are the entries; names with a leading underscore are helpers.
        attribute: the module-level name under which each file offers its entry, for example ``"UNIT"``.
    """

    kind: str
    package: str
    attribute: str

    def names(self) -> list[str]:
        """Names of all entries, sorted."""
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        stems = [module.name for module in iter_modules(folders) if not module.name.startswith("_")]
        return sorted(stem.replace("_", "-") for stem in stems)

    def load(self, name: str) -> T:
        """Import the entry's file and return the entry.

        Raises:
            UnknownNameError: no file bears that name.
        """
        stem = name.lower().replace("-", "_")
        if stem.replace("_", "-") not in self.names():
            raise UnknownNameError(f"Unknown {self.kind} {name!r}. Available: {', '.join(self.names())}.")
        return cast(T, getattr(import_module(f"{self.package}.{stem}"), self.attribute))
