"""Takes out of exported files what they say of the machine that made them: source paths and stack traces."""

import zipfile
from pathlib import Path

import onnx
from google.protobuf.message import Message

_NOTES = ("metadata_props", "doc_string")
_TORCHSCRIPT_NOTES = ".debug_pkl"


def strip_onnx(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes on every node; what it computes is untouched."""
    _strip(model)
    return model


def strip_torchscript(path: Path) -> None:
    """Write the archive again without its debug entries, which only error messages use."""
    with zipfile.ZipFile(path) as archive:
        kept = [
            (info, archive.read(info)) for info in archive.infolist() if not info.filename.endswith(_TORCHSCRIPT_NOTES)
        ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for info, content in kept:
            archive.writestr(zipfile.ZipInfo(info.filename), content)


def _strip(message: Message) -> None:
    for field, value in message.ListFields():
        if field.name in _NOTES:
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                _strip(part)
