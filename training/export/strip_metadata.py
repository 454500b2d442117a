"""Removes metadata about the machine that exported a file: source paths and stack traces."""

import zipfile
from pathlib import Path

import onnx
from google.protobuf.message import Message

_METADATA = ("metadata_props", "doc_string")
_TORCHSCRIPT_DEBUG = ".debug_pkl"


def strip_onnx(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the metadata that the exporter adds to every node; it computes the same."""
    _strip(model)
    return model


def strip_torchscript(path: Path) -> None:
    """Rewrite the archive without its debug entries, which only error messages use."""
    with zipfile.ZipFile(path) as archive:
        entries = [
            (info, archive.read(info)) for info in archive.infolist() if not info.filename.endswith(_TORCHSCRIPT_DEBUG)
        ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for info, content in entries:
            archive.writestr(zipfile.ZipInfo(info.filename), content)


def _strip(message: Message) -> None:
    for field, value in message.ListFields():
        if field.name in _METADATA:
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                _strip(part)
