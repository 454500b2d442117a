"""Replicas of a unit, or of a stack of units, trained side by side as one tensor program.

The networks of an experiment are small, so training its seeds and ranges one by one is dominated by PyTorch's overhead
per call. Here every tensor holds all replicas, ``(features, outputs, replica, batch)``, the longest axes last; one step
is forward, backward, Adam and clamping for all of them, compiled into a few loops. No operation mixes replicas: each
is trained as it would be alone, and one that becomes NaN does not affect the others.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.hyperparameters import Hyperparameters

logger = logging.getLogger(__name__)

Weights = dict[str, Tensor]
Problem = Callable[[Tensor], tuple[Tensor, Tensor]]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's, as its paper and PyTorch have them."""


class Ensemble:
    """Replicas in training.

    Args:
        build: builds the layers of one replica, initialised from PyTorch's random generator.
        seeds: seeds of that generator, one a replica.
        problem: maps samples to the inputs ``(in_features, replicas, batch)`` and the target ``(replicas, batch)``.
            It is compiled into the step, so that samples are never materialised.
        hyperparameters: the settings of Adam and of the regulariser, the same for every layer.
        dtype: of weights and arithmetic.
        device: of the weights; samples, and tensors of the problem, must be there too. Measured on the CPU alone.
        compiled: compile the step, worthwhile from about 10,000 steps, unless a unit is not ``COMPILED``.
    """

    def __init__(
        self,
        build: Callable[[], Sequence[nn.Module]],
        seeds: Sequence[int],
        problem: Problem,
        hyperparameters: Hyperparameters,
        *,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        compiled: bool = True,
    ) -> None:
        self.build = build
        self.seeds = list(seeds)
        self.problem = problem
        self.hyperparameters = hyperparameters
        self.dtype, self.device = dtype, torch.device(device)
        self.layers: list[Any] = list(build_seeded(build, self.seeds[0]))
        self.weights = self._start_values(self.seeds)
        self.steps = 0
        self.regularised = torch.ones(len(self.seeds), 1, dtype=dtype, device=device)
        """``(replicas, 1)``: 1 where the regulariser applies, 0 where it does not."""
        self._first = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        self._second = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        compiled = compiled and all(getattr(layer, "COMPILED", True) for layer in self.layers)
        self._step = _compile(self._update) if compiled else self._update

    @torch.no_grad()
    def train(self, samples: Tensor) -> None:
        """Take one step for each entry of ``samples``, ``(steps, ...)``, as the problem takes them."""
        scalars = torch.tensor(
            [self._scalars(self.steps + i) for i in range(len(samples))], dtype=self.dtype, device=self.device
        )
        state = (self.weights, self._first, self._second)
        for sample, scalar in zip(samples, scalars, strict=True):
            state = self._step(*state, sample, scalar, self.regularised)
        self.weights, self._first, self._second = state
        self.steps += len(samples)

    @torch.no_grad()
    def predict(self, x: Tensor, replicas: slice = slice(None)) -> Tensor:
        """Predictions of replicas: ``(in_features, replicas or 1, batch)`` to ``(replicas, batch)``."""
        return self._forward({name: weight[..., replicas, :] for name, weight in self.weights.items()}, x, False)

    def restart(self, replicas: Sequence[int], seeds: Sequence[int]) -> None:
        """Initialise some replicas again. Adam's moments stay, as in iNALU's code."""
        if not replicas:
            return
        fresh = self._start_values(seeds)
        for name, weight in self.weights.items():
            weight[..., list(replicas), :] = fresh[name]

    def replica(self, number: int) -> list[nn.Module]:
        """The layers of one replica, as modules."""
        layers = list(build_seeded(self.build, self.seeds[number]))
        for index, layer in enumerate(layers):
            for name, parameter in layer.named_parameters():
                weight = self.weights[_key(index, name)][..., number, 0]
                parameter.data = (weight.t() if parameter.ndim == 2 else weight).clone()
        return layers

    def _start_values(self, seeds: Sequence[int]) -> Weights:
        """Weights as ``(in_features, out_features, replicas, 1)``, or ``(out_features, replicas, 1)``."""
        stacks: dict[str, list[Tensor]] = {}
        for seed in seeds:
            for index, layer in enumerate(build_seeded(self.build, seed)):
                for name, parameter in layer.named_parameters():
                    stacks.setdefault(_key(index, name), []).append(parameter.detach().t())
        return {
            name: torch.stack(stack, -1).unsqueeze(-1).to(self.device, self.dtype) for name, stack in stacks.items()
        }

    def _forward(self, weights: Weights, x: Tensor, training: bool) -> Tensor:
        for index, layer in enumerate(self.layers):
            options = getattr(layer, "OPTIONS", {})
            x = layer.equation(x.unsqueeze(1), training=training, **of_layer(weights, index), **options)
        return x[0]

    def _loss(self, weights: Weights, x: Tensor, target: Tensor, scalars: Tensor, regularised: Tensor) -> Tensor:
        """The sum of the replicas' losses; the gradient of each replica is that of its own loss."""
        error = self._forward(weights, x, True) - target
        loss = (error.abs() if self.hyperparameters.loss == "absolute" else error**2).mean(-1, keepdim=True)
        for index, layer in enumerate(self.layers):
            if self.hyperparameters.penalty and hasattr(layer, "penalty"):
                loss = loss + scalars[2] * regularised * layer.penalty(**of_layer(weights, index)).mean(0)
        if self.hyperparameters.l1[1]:
            loss = loss + scalars[3] * sum(_per_replica(weight.abs()) for weight in weights.values())
        return loss.sum()

    def _update(
        self, weights: Weights, first: Weights, second: Weights, sample: Tensor, scalars: Tensor, regularised: Tensor
    ) -> tuple[Weights, Weights, Weights]:
        """One step: gradient, clipping, Adam, clamping."""
        x, target = self.problem(sample)
        gradients = self._clip(torch.func.grad(self._loss)(weights, x, target, scalars, regularised))
        first = {name: BETA_1 * first[name] + (1 - BETA_1) * gradient for name, gradient in gradients.items()}
        second = {name: BETA_2 * second[name] + (1 - BETA_2) * gradient**2 for name, gradient in gradients.items()}
        moved = {
            name: weight
            - self.hyperparameters.learning_rate
            * (first[name] / scalars[0])
            / ((second[name] / scalars[1]).sqrt() + EPSILON)
            for name, weight in weights.items()
        }
        return self._clamp(moved), first, second

    def _clip(self, gradients: Weights) -> Weights:
        if self.hyperparameters.clip_norm is not None:
            norm = sum(_per_replica(gradient**2) for gradient in gradients.values()) ** 0.5
            scale = (self.hyperparameters.clip_norm / (norm + 1e-6)).clamp(max=1)  # as torch.nn.utils.clip_grad_norm_
            gradients = {name: gradient * scale for name, gradient in gradients.items()}
        largest = self.hyperparameters.clip_value
        if largest is not None:
            gradients = {name: gradient.clamp(-largest, largest) for name, gradient in gradients.items()}
        return gradients

    def _clamp(self, weights: Weights) -> Weights:
        bounds = {
            _key(index, name): limits
            for index, layer in enumerate(self.layers)
            for name, limits in getattr(layer, "BOUNDS", {}).items()
        }
        return {name: weight.clamp(*bounds[name]) if name in bounds else weight for name, weight in weights.items()}

    def _scalars(self, step: int) -> tuple[float, float, float, float]:
        """The scalars of a step: Adam's two bias corrections, the weights of regulariser and L1 norm."""
        return (
            1 - BETA_1 ** (step + 1),
            1 - BETA_2 ** (step + 1),
            self.hyperparameters.penalty_at(step),
            self.hyperparameters.l1_at(step),
        )


def build_seeded(build: Callable[[], Sequence[nn.Module]], seed: int) -> Sequence[nn.Module]:
    """Build a replica with a seed, without changing the state of PyTorch's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def _key(layer: int, parameter: str) -> str:
    """``nac.W_hat`` of layer 0 is ``0.W_hat``, as in its equation."""
    return f"{layer}.{parameter.rpartition('.')[2]}"


def of_layer(weights: Weights, index: int) -> Weights:
    """The weights of one layer, by the names that its equation has for them."""
    prefix = f"{index}."
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}


def _per_replica(values: Tensor) -> Tensor:
    """Sum over all but the replicas: ``(replicas, 1)``."""
    return values.flatten(end_dim=-3).sum(0)


def _compile(step: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the step at its first call; where that fails, warn once and use the step as it is."""
    torch.compiler.reset()  # each step is compiled for its own unit; PyTorch gives up at the ninth
    compiled = torch.compile(step, fullgraph=True, dynamic=False)
    chosen: list[Callable[..., Any]] = []

    def first_tried(*state: Any) -> Any:
        if chosen:
            return chosen[0](*state)
        try:
            result = compiled(*state)
            chosen.append(compiled)
        except Exception as error:  # whatever a compiler, or its absence, may raise
            reason = next(iter(str(error).splitlines()), "")
            logger.warning("The training step is not compiled and runs several times slower: %s", reason)
            chosen.append(step)
            result = step(*state)
        return result

    return first_tried
