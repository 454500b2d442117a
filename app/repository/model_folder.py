"""A folder of one model in the place of a repository: its version folders, or the files of one version."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.repository.scan import Listing, ModelFolder, identity_of, list_repository
from models.manifest import MANIFEST_FILE, ONNX_FILE, Manifest, ManifestError, versions


def folder_lister(model_name: str | None) -> Callable[[Path, Listing | None], Listing]:
    """What lists the versions in a repository, or in the folder of the model of that name."""
    return partial(list_model_folder, name=model_name) if model_name else list_repository


def list_model_folder(root: Path, before: Listing | None = None, *, name: str) -> Listing:  # noqa: ARG001
    """List the versions of the folder's model.

    Args:
        root: holds ``<version>/``, or ``manifest.json`` or ``model.onnx`` itself.
        before: the last listing; a single folder is read in full.
        name: of the model, whatever its manifest says.

    Raises:
        OSError: the folder cannot be listed.
    """
    folders = {(name, version): root / str(version) for version in versions(root)}
    files = [file for file in (MANIFEST_FILE, ONNX_FILE) if (root / file).exists()]
    unreadable = {}
    if folders and files:
        numbers = ", ".join(str(version) for _, version in folders)
        unreadable[name] = f"{root} holds versions ({numbers}) and the files of one ({', '.join(files)}); keep either."
        folders = {}
    elif files:
        folders[name, _version_of(root)] = root
    elif not folders:
        unreadable[name] = _why_empty(root)
    identity = identity_of(root)
    return Listing(root, identity, folders, {name: ModelFolder(identity, folders, None)}, unreadable, {name})


def _version_of(folder: Path) -> int:
    """The version of the files in a folder, by their manifest; of a broken one, 1."""
    try:
        return Manifest.read(folder).version
    except ManifestError:
        return 1


def _why_empty(root: Path) -> str:
    names = sorted({name for name, _ in list_repository(root).folders})
    if names:
        more = ", ..." * (len(names) > 3)
        return (
            f"{root} holds models ({', '.join(names[:3])}{more}), and NALU_MODEL_NAME is for the folder of one; "
            "give that folder, or leave NALU_MODEL_NAME out."
        )
    return f"{root} holds no model; it needs {MANIFEST_FILE} and {ONNX_FILE}, or a folder with them for each version."
