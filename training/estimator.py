"""Symbolic regression as a scikit-learn estimator."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from models.arrays import FloatArray
from models.law import Law
from models.uncertainty import UncertainConstant
from training.export.manifest_fields import manifest_fields
from training.export.write import Export, write_model
from training.metrics import of_mean_one, predict, regression_errors, root_mean_square
from training.symbolic import find_law
from training.symbolic.row_weights import merge_rows
from training.symbolic.search import ROUNDS
from training.symbolic.search_options import search_space
from training.symbolic.search_space import SearchSpace
from training.symbolic.uncertainty import LawUncertainty
from training.tabular.fit import MAX_TRAINING_ROWS

MIN_ROWS = 2


class ArithmeticRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Learns the arithmetic law that a target follows, such as ``0.5*m*v**2``, and predicts with it.

    Where the target follows no such law, ``formula_`` is None, ``reason_`` gives the reason, and the predictions are
    those of the best approximation inside the range of the data; do not trust them outside.

    Args:
        rounds: of the search for sums and quotients of products, at most; 0 tries products and sums of columns only.
        seconds: limit of the time, kept to 2 s or a fifth; None: none. A search that it ends may not be reproducible.
        functions: names of functions that a law may hold, such as ``["exp", "sin"]``; None: all that are known.
        max_terms: terms of every sum, at most; None: as many as the search tries.
        exponents: powers of columns that are tried in sums, such as ``[-3, -1, 2, 3]``; None: halves up to 2.
        units: unit of every column and of the target (``y``, or the name of a pandas Series), such as
            ``{"x0": "kg", "x1": "m/s", "y": "J"}``; laws in which they agree are searched first. None: not known.
        form: a formula with free constants that is fitted instead of a search, such as ``"a*x0 + b*exp(-c*x1)"``.
        random_state: seed of the search, a ``RandomState`` to draw it from, or None: a new one at every fit.

    Of a law, ``predict`` gives standard deviations too, and ``predict_interval`` intervals, honest outside the range.

    Attributes:
        formula_: the law as text for people, in Python's notation, or None.
        latex_: the same in LaTeX, or None.
        reason_: why there is no law, one clause; None if there is one. It counts rows from 0.
        constants_: the law's constants as fitted, with their standard errors, see ``models.uncertainty``; empty if
            there is no law.
        front_: the best formula of each complexity that was tried, with its error, see ``models.alternatives``.
        rivals_: formulas that explain the rows equally well, where therefore none is claimed.
        network_: the law as a PyTorch network in float64, or the best fit.
        ranges_: lowest and highest value of each column, ``(columns, 2)``.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, if the table had names; in formulas they are else ``x0``, ``x1``, ...
    """

    def __init__(
        self,
        rounds: int = ROUNDS,
        seconds: float | None = None,
        functions: Iterable[str] | None = None,
        max_terms: int | None = None,
        exponents: Iterable[float] | None = None,
        units: Mapping[str, str] | None = None,
        form: str | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.functions = functions
        self.max_terms = max_terms
        self.exponents = exponents
        self.units = units
        self.form = form
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Search for the law on at most 8,192 of the rows, drawn at random.

        Args:
            X: table or array, ``(rows, columns)``, finite numbers.
            y: target, ``(rows,)``, finite numbers.
            sample_weight: of the rows, ``(rows,)``, 0 or more: a row of weight 2 counts as two equal rows, one of
                weight 0 as none, and only ratios matter. They do not decide which sums of products are tried.
        """
        limit = math.inf if self.seconds is None else self.seconds
        if not limit > 0:
            raise ValueError(f"seconds must be greater than 0, or None for no limit, got {self.seconds}.")
        target = str(getattr(y, "name", None) or "y")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=MIN_ROWS)
        y, space = y.astype(np.float64), self._search_space(target)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        rows, of_rows = merge_rows(X, y, weights)
        if len(rows) < MIN_ROWS:
            raise ValueError(f"{len(rows)} row has a sample_weight above 0; a fit takes at least {MIN_ROWS}.")
        drawn = np.random.default_rng(seed).permutation(len(rows))[:MAX_TRAINING_ROWS]
        used = rows[drawn]
        finding = find_law(
            X[used],
            y[used, None],
            columns=self._columns(),
            rows=used,
            space=space,
            weights=None if of_rows is None else of_mean_one(of_rows[drawn]),
            seed=seed,
            rounds=self.rounds,
            seconds=limit,
        )
        self.network_: Law = finding.network
        self.formula_, self.latex_, self.reason_ = finding.formula, finding.latex, finding.reason
        self.ranges_: FloatArray = np.stack([X[rows].min(0), X[rows].max(0)], axis=1)
        self._seed, self._rows, self._finding = seed, len(used), finding
        self.front_, self.rivals_ = list(finding.front), list(finding.rivals)
        return self

    @property
    def constants_(self) -> list[UncertainConstant]:
        """The law's constants as fitted."""
        check_is_fitted(self)
        return self._finding.uncertainty.fields.constants if self._finding.uncertainty else []

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination, R squared, of the predictions; at every size of the target.

        Args:
            X: table or array, ``(rows, columns)``.
            y: target, ``(rows,)``.
            sample_weight: of the rows, ``(rows,)``.
        """
        y, predicted = np.asarray(y, dtype=np.float64), np.asarray(self.predict(X))
        size = root_mean_square(y) or 1.0  # squares of 1e200 overflow
        return float(r2_score(y / size, predicted / size, sample_weight=sample_weight))

    def predict(self, X: Any, return_std: bool = False) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predictions, ``(rows,)``; not finite where the law is not, as in a division by zero.

        Args:
            X: table or array, ``(rows, columns)``.
            return_std: also return the standard deviation of a new observation from the law, ``(rows,)``: its noise,
                and the uncertainty of the law's constants.

        Raises:
            ValueError: ``return_std`` without a law.
        """
        check_is_fitted(self)
        X = np.array(validate_data(self, X, dtype=np.float64, reset=False))
        predicted = np.asarray(predict(self.network_, X)[:, 0])
        if not return_std:
            return predicted
        _, noise, standard_error = predict(self._uncertainty().spread, X).T
        return predicted, np.hypot(noise, standard_error)

    def predict_interval(self, X: Any, level: float = 0.95) -> FloatArray:
        """Intervals that new observations lie in, lowest and highest value, ``(rows, 2)``.

        Args:
            X: table or array, ``(rows, columns)``.
            level: share of observations that lie in them: 0.5, 0.68, 0.8, 0.9, 0.95 or 0.99.

        Raises:
            ValueError: there is no law, or no interval of that level.
        """
        check_is_fitted(self)
        uncertainty = self._uncertainty()
        quantiles = uncertainty.fields.quantiles(level)
        if quantiles is None:
            raise ValueError(f"level must be one of {', '.join(uncertainty.fields.levels)}, got {level}.")
        X = np.array(validate_data(self, X, dtype=np.float64, reset=False))
        return quantiles.intervals(predict(self.network_, X)[:, 0], predict(uncertainty.spread, X))

    def _uncertainty(self) -> LawUncertainty:
        if self._finding.uncertainty is None:
            why = f"no law was found ({self.reason_})" if self.reason_ else "the law's derivatives overflow"
            raise ValueError(f"There are no intervals, as {why}.")
        return self._finding.uncertainty

    def to_sympy(self) -> Any:
        """The law as a SymPy expression in real symbols, named as the columns; ValueError without a law."""
        check_is_fitted(self)
        return self._finding.to_sympy()

    def to_numpy(self) -> Callable[..., FloatArray]:
        """The law as a function of all columns, numbers or arrays, without PyTorch; ValueError without a law."""
        check_is_fitted(self)
        return self._finding.to_numpy()

    def export(self, repository: str | Path, name: str, *, target: str = "y", X: Any = None, y: Any = None) -> Path:
        """Write the network to a model repository that ``python -m app`` serves.

        Args:
            repository: the model repository; made if it is missing.
            name: the model's name.
            target: name of the predicted column.
            X: held-out rows, to measure the model on; without, its manifest has no errors.
            y: their target.

        Returns:
            The version folder.
        """
        check_is_fitted(self)
        columns, found = self._columns(), self._finding.uncertainty
        inside = np.random.default_rng(self._seed).uniform(self.ranges_[:, 0], self.ranges_[:, 1], (1000, len(columns)))
        manifest = manifest_fields(
            self.network_,
            columns,
            target,
            reason=self.reason_,
            formula=self.formula_,
            latex=self.latex_,
            training={
                "ranges": self.ranges_.tolist(),
                "rows": self._rows,
                "seed": self._seed,
                "command": repr(self),
                "data": f"{self._rows} rows",
            },
            metrics=self._measure(X, y),
            uncertainty=found.fields if found else None,
            front=self.front_,
            rivals=self.rivals_,
        )
        checks = {"interpolation": inside, "extrapolation": 10 * inside}
        spread = found.spread if found else None
        return write_model(Export(self.network_, checks, manifest, spread), Path(repository), name)

    def _search_space(self, target: str) -> SearchSpace:
        chosen = {name: getattr(self, name) for name in ("functions", "max_terms", "exponents", "units", "form")}
        return search_space(self._columns(), target=target, **chosen)

    def _columns(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return [f"x{i}" for i in range(self.n_features_in_)] if names is None else list(map(str, names))

    def _measure(self, X: Any, y: Any) -> dict[str, dict[str, Any]]:
        """Errors on rows within and beyond the range of the fitted ones."""
        if X is None:
            return {part: {"rows": 0} for part in ("interpolation", "extrapolation")}
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=False)
        within = ((self.ranges_[:, 0] <= X) & (self.ranges_[:, 1] >= X)).all(1)
        predicted = self.predict(X)
        masks = {"interpolation": within, "extrapolation": ~within}
        return {part: regression_errors(predicted[mask], y[mask].astype(np.float64)) for part, mask in masks.items()}
