"""Recurrent cells over the digits of a sequence: a unit, an LSTM, or the exact arithmetic as the oracle."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.units import UNITS
from training.research.sequences.task import SequenceTask

ON_CLASSES = " on classes"
"""Ends the name of a unit behind a CNN that classifies digits and learns from the likelihood of the result."""
ORACLE = "oracle"
LSTM = "LSTM"
OLD_ORACLE, OLD_ON_CLASSES = "given", " on votes"  # alias: of ORACLE and ON_CLASSES in results of version 0.1
LSTM_HIDDEN = 32


class Cell(Protocol):
    """A recurrent cell. Its state is a tuple of tensors with a row for each sequence."""

    def first(self, sequences: int, like: Tensor) -> tuple[Tensor, ...]:
        """The state before the first digit."""

    def step(self, state: tuple[Tensor, ...], z: Tensor) -> tuple[Tensor, ...]:
        """The state after one more digit, which the CNN reads as z, ``(sequences, outputs)``."""

    def result(self, state: tuple[Tensor, ...]) -> Tensor:
        """The cell's result for the digits so far, ``(sequences, outputs)``."""


class UnitCell(nn.Module):
    """A unit, applied recurrently: ``h_t = unit([h_(t-1), z_t])``, as Madsen and Johansen do; h_0 is the task's start.

    After ``first`` and some steps, ``mean_input`` is the mean of all inputs, ``(2 * outputs,)``, with its gradient; R_z
    is a function of it.
    """

    def __init__(self, name: str, task: SequenceTask) -> None:
        super().__init__()
        factory = UNITS.load(name)
        options: dict[str, Any] = OPTIONS.get(name, {})
        self.unit = factory(2 * task.outputs, task.outputs, **options)
        self.task = task
        self._inputs: list[Tensor] = []

    @property
    def mean_input(self) -> Tensor:
        """Mean over sequences and steps of ``[h, z]``."""
        return torch.stack(self._inputs).mean(0)

    def first(self, sequences: int, like: Tensor) -> tuple[Tensor, ...]:
        self._inputs = []
        return (self.task.first(sequences, like),)

    def step(self, state: tuple[Tensor, ...], z: Tensor) -> tuple[Tensor, ...]:
        x = torch.cat([state[0], z], -1)
        if self.training:
            self._inputs.append(x.mean(0))
        return (self.unit(x),)

    def result(self, state: tuple[Tensor, ...]) -> Tensor:
        return state[0]


class OracleCell(nn.Module):
    """The baseline of the success criterion: the exact sum, count or product of the CNN's predictions."""

    def __init__(self, task: SequenceTask) -> None:
        super().__init__()
        self.task = task

    def first(self, sequences: int, like: Tensor) -> tuple[Tensor, ...]:
        return (self.task.first(sequences, like),)

    def step(self, state: tuple[Tensor, ...], z: Tensor) -> tuple[Tensor, ...]:
        return (self.task.combine(state[0], z),)

    def result(self, state: tuple[Tensor, ...]) -> Tensor:
        return state[0]


class LSTMCell(nn.Module):
    """The LSTM baseline: 32 hidden units and a linear layer."""

    def __init__(self, task: SequenceTask) -> None:
        super().__init__()
        self.lstm = nn.LSTMCell(task.outputs, LSTM_HIDDEN)
        self.out = nn.Linear(LSTM_HIDDEN, task.outputs)

    def first(self, sequences: int, like: Tensor) -> tuple[Tensor, ...]:
        return (like.new_zeros(sequences, LSTM_HIDDEN), like.new_zeros(sequences, LSTM_HIDDEN))

    def step(self, state: tuple[Tensor, ...], z: Tensor) -> tuple[Tensor, ...]:
        h, c = self.lstm(z, (state[0], state[1]))
        return h, c

    def result(self, state: tuple[Tensor, ...]) -> Tensor:
        result: Tensor = self.out(state[0])
        return result


OPTIONS: dict[str, dict[str, Any]] = {"NALU": {"eps": 0.1}}
"""Options of units behind a CNN: with eps 1e-7 NALU's logarithm of h_0 = 0 is too steep."""


def current_name(name: str) -> str:
    """The name of a cell that results and command lines of version 0.1 may call otherwise."""
    if name.lower() == OLD_ORACLE:
        return ORACLE
    return name[: -len(OLD_ON_CLASSES)] + ON_CLASSES if name.lower().endswith(OLD_ON_CLASSES) else name


def build_cell(name: str, task: SequenceTask) -> Any:
    """The cell of a name: ``oracle``, ``LSTM`` or a unit, with or without ``ON_CLASSES``."""
    name = name.removesuffix(ON_CLASSES)
    if name == ORACLE:
        return OracleCell(task)
    return LSTMCell(task) if name == LSTM else UnitCell(name, task)


def run_over(cell: Cell, z: Tensor) -> Tensor:
    """A cell's results for whole sequences, ``(sequences, length, outputs)`` to ``(sequences, outputs)``."""
    state = cell.first(len(z), z)
    for values in z.unbind(1):
        state = cell.step(state, values)
    return cell.result(state)
