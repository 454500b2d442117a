"""Describes why a network cannot be exported: the operator, the module that calls it, and the line of its source."""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

import torch
from torch import fx, nn

from training.data.tables.excerpt import excerpt

MAX_REASON = 280
"""Characters of an exporter's message that are shown."""
_LIBRARIES = (Path(torch.__file__).parents[1], Path(traceback.__file__).parent, Path(__file__).parents[2] / "training")


def describe(error: BaseException, network: nn.Module, shown: Mapping[str, str]) -> str:
    """A clause: what failed, and where.

    Args:
        error: what an exporter, ONNX Runtime or the network raised.
        network: the network.
        shown: what messages call some of its modules, by name, for example ``{"network.conv_model": "backbone"}``.
    """
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode  # slow to import, and only here

    frames = list(_frames(error))
    node, module = _node(frames), _innermost_module(frames, network)
    names = {id(part): name for name, part in network.named_modules()}
    where = _shown(names[id(module)], network, shown) if module is not None else ""
    if node is not None:
        where = _module_of(node, network, shown) or where
    line = _own_line(error)
    place = f"{where or 'the network'}{f' ({line})' if line else ''}"
    chain = list(_chain(error))
    message = str(chain[-1])
    if any(isinstance(one, GuardOnDataDependentSymNode) for one in chain):
        return f"{place} decides by values of its input, which an exported graph cannot; use torch.where there"
    if node is not None and "No ONNX function found" in message:
        return f"ONNX has no operator for {_operator(node)} of {place}; use another layer there"
    if "Cannot insert a Tensor that requires grad as a constant" in message:
        return f"{place} uses weights that are not registered; make lists of modules a ModuleList, tensors a Parameter"
    reason = message if isinstance(chain[-1], NotImplementedError) else first_line(chain[-1])
    if node is not None:
        return f"{_operator(node)} of {place}: {reason}"
    return f"{place}: {reason}" if where or line else reason


def first_line(error: BaseException) -> str:
    """The first line of an error's message, with its type."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {excerpt(first, MAX_REASON).rstrip('.:')}" if first else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _frames(error: BaseException) -> Iterator[FrameType]:
    for one in _chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            yield frame


def _node(frames: list[FrameType]) -> fx.Node | None:
    """The operator that was being translated."""
    found = [frame.f_locals.get("node") for frame in frames]
    nodes = [node for node in found if isinstance(node, fx.Node) and node.op == "call_function"]
    return nodes[-1] if nodes else None


def _innermost_module(frames: list[FrameType], network: nn.Module) -> nn.Module | None:
    own = {id(module) for module in network.modules()}
    found = [frame.f_locals.get("self") for frame in frames]
    modules = [module for module in found if isinstance(module, nn.Module) and id(module) in own]
    return modules[-1] if modules else None


def _module_of(node: fx.Node, network: nn.Module, shown: Mapping[str, str]) -> str:
    stack = list(node.meta.get("nn_module_stack", {}).values())
    name = stack[-1][0] if stack else ""
    return _shown(name, network, shown) if name in dict(network.named_modules()) else ""


def _shown(name: str, network: nn.Module, shown: Mapping[str, str]) -> str:
    """A module's name for people, and its class."""
    kind = type(network.get_submodule(name)).__name__
    prefixes = [prefix for prefix in shown if not prefix or f"{name}.".startswith(f"{prefix}.")]
    prefix = max(prefixes, key=len, default=None)
    title = name if prefix is None else f"{shown[prefix]}.{name[len(prefix) :].lstrip('.')}".rstrip(".")
    return f"{title} ({kind})" if title else kind


def _operator(node: fx.Node) -> str:
    """Such as ``aten::median``, of ``aten.median.dim``."""
    return "::".join(str(node.target).split(".")[:2])


def _own_line(error: BaseException) -> str:
    """The innermost line that PyTorch ran and that is neither its own nor this project's."""
    found, inside = "", False
    for one in _chain(error):
        for frame in traceback.extract_tb(one.__traceback__):
            library = any(Path(frame.filename).is_relative_to(folder) for folder in _LIBRARIES)
            inside = inside or Path(frame.filename).is_relative_to(_LIBRARIES[0])
            if inside and not library:
                found = f"{Path(frame.filename).name}, line {frame.lineno}"
    return found
