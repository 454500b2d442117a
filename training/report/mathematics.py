"""A model's formula as MathML, which browsers set and screen readers read without a script."""

from pathlib import Path

import sympy
from sympy.printing.mathml import mathml

from models.manifest import WEIGHTS_FILE, Manifest
from training.export.checkpoint import load_checkpoint
from training.symbolic.formula import formula

ENTITIES = {"&InvisibleTimes;": "&#x2062;", "&#xB7;": "&#x22C5;"}
"""Entities as SymPy writes them, and as characters that are set as operators."""


def formula_mathml(folder: Path, manifest: Manifest) -> str | None:
    """The formula of a model's checkpoint; None where the manifest states none, or it is only text.

    Args:
        folder: the version folder.
        manifest: its manifest.

    Raises:
        ManifestError: the checkpoint is not that of the manifest.
    """
    if manifest.formula is None or WEIGHTS_FILE not in manifest.files:
        return None
    manifest.read_file(folder, WEIGHTS_FILE)
    found = formula(load_checkpoint(folder / WEIGHTS_FILE), manifest.columns)
    if found is None or found.symbolic is None:
        return None
    symbolic = found.symbolic
    names = {symbol: sympy.Symbol(name) for symbol, name in zip(symbolic.symbols, symbolic.columns, strict=True)}
    target = (manifest.outputs[0].columns or ["y"])[0]
    times = "dot" if any(len(name) > 1 for name in manifest.columns) else None
    value = symbolic.value.xreplace(names)
    sides = [mathml(side, printer="presentation", mul_symbol=times) for side in (sympy.Symbol(target), value)]
    content = "<mo>=</mo>".join(sides)
    for name, character in ENTITIES.items():
        content = content.replace(name, character)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow>{content}</mrow></math>'
