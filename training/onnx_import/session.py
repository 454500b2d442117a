"""ONNX Runtime on a graph, with its reasons to refuse one in words."""

import re
from typing import Any

import onnx

from training.errors import InputError
from training.export.onnx_predictor import cpu_session

_IR = re.compile(r"Unsupported model IR version: \d+, max supported IR version: (\d+)")
_OPSET = re.compile(r"Opset (\d+) is under development.*?Current official support for domain (\S+) is till opset (\d+)")


def open_session(model: onnx.ModelProto, what: str) -> Any:
    """An ONNX Runtime session of the graph.

    A version of the file format that is newer than ONNX Runtime's is lowered: it only says who wrote the file, and what
    is really newer fails nonetheless.

    Args:
        model: the graph; its format's version may change.
        what: it is, in messages.

    Raises:
        InputError: ONNX Runtime cannot run it, with the reason.
    """
    try:
        return cpu_session(model.SerializeToString())
    except Exception as error:  # ONNX Runtime's own exceptions share no base but this
        newer = _IR.search(str(error))
        if newer and model.ir_version > int(newer[1]):
            model.ir_version = int(newer[1])
            return open_session(model, what)
        raise InputError(f"{what} {_reason(str(error))}") from error


def _reason(text: str) -> str:
    opset = _OPSET.search(text)
    if opset:
        domain = "" if opset[2] == "ai.onnx" else f" of {opset[2]}"
        return (
            f"is of opset {opset[1]}{domain}, and this ONNX Runtime knows up to {opset[3]}; export it with "
            f"opset_version={opset[3]}, or upgrade onnxruntime."
        )
    return f"cannot be run by ONNX Runtime ({first_sentence(text)}); export it in another way or opset."


def first_sentence(text: str) -> str:
    """ONNX Runtime's message without the code and the place in its sources."""
    text = text.strip().splitlines()[0] if text.strip() else "no reason given"
    text = re.sub(r"^\[\w+\] : \d+ : \w+ : ", "", text)
    text = re.sub(r"^(.*Status Message: )?(\S+:\d+ (.*? was false\. )?)?", "", text)
    return text[:160].rstrip(" .")
