"""scikit-learn by skl2onnx: regressors in both precisions, text labels, a pipeline with text columns."""

import sys
from pathlib import Path

import numpy as np
import skl2onnx
import sklearn
from case_file import write_case
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MADE_BY = f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}"
RANDOM = np.random.default_rng(0)
ROWS, FRESH = 1000, 200
COLUMNS = ["a", "b", "c", "d"]


def regressor(folder, double):
    """Gradient boosting in single precision, or a ridge regression in double."""
    X = RANDOM.normal(size=(ROWS + FRESH, 4)).astype(np.float64 if double else np.float32)
    y = 3 * X[:, 0] + X[:, 1] * X[:, 2]
    model = (Ridge() if double else GradientBoostingRegressor(random_state=0)).fit(X[:ROWS], y[:ROWS])
    (folder / "model.onnx").write_bytes(to_onnx(model, X[:1]).SerializeToString())
    np.savetxt(folder / "train.csv", X[:ROWS], delimiter=",", header=",".join(COLUMNS), comments="")
    options = ["--columns", *COLUMNS, "--target", "y", "--data", folder / "train.csv"]
    answers = {"y": model.predict(X[ROWS:]).reshape(-1, 1)}
    write_case(folder, route="arithmetic", options=options, inputs={"X": X[ROWS:]}, answers=answers, made_by=MADE_BY)


def classifier(folder):
    """A forest whose classes are words, exported with skl2onnx's defaults: probabilities as maps."""
    X = RANDOM.normal(size=(ROWS + FRESH, 4)).astype(np.float32)
    y = np.array(["small", "medium", "large"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])]
    model = RandomForestClassifier(50, random_state=0).fit(X[:ROWS], y[:ROWS])
    (folder / "model.onnx").write_bytes(to_onnx(model, X[:1]).SerializeToString())
    fresh = X[ROWS:]
    answers = {
        "output_label": model.predict(fresh).astype(object),
        "output_probability": model.predict_proba(fresh).astype(np.float32),
    }
    write_case(folder, route="v2", options=[], inputs={"X": fresh}, answers=answers, made_by=MADE_BY)


def pipeline(folder):
    """Numbers that are scaled and text that is encoded, each an input of its own."""
    numbers = RANDOM.normal(50, 20, (ROWS + FRESH, 2)).astype(np.float32)
    city = RANDOM.choice(["Oslo", "Praha", "São Paulo"], ROWS + FRESH)
    kind = RANDOM.choice(["flat", "house"], ROWS + FRESH)
    table = np.empty((ROWS + FRESH, 4), object)
    table[:, :2], table[:, 2], table[:, 3] = numbers, city, kind
    y = (numbers[:, 0] + 10 * (city == "Oslo") - 5 * (kind == "flat") > 50).astype(np.int64)
    encode = ColumnTransformer([("scale", StandardScaler(), [0, 1]), ("encode", OneHotEncoder(), [2, 3])])
    model = make_pipeline(encode, LogisticRegression()).fit(table[:ROWS], y[:ROWS])
    types = [(name, FloatTensorType([None, 1])) for name in ("age", "size")]
    types += [(name, StringTensorType([None, 1])) for name in ("city", "kind")]
    (folder / "model.onnx").write_bytes(to_onnx(model, initial_types=types).SerializeToString())
    fresh = table[ROWS:]
    inputs = {name: fresh[:, place : place + 1] for place, name in enumerate(("age", "size", "city", "kind"))}
    inputs = {name: values.astype(np.float32) if name in ("age", "size") else values for name, values in inputs.items()}
    answers = {
        "output_label": model.predict(fresh),
        "output_probability": model.predict_proba(fresh).astype(np.float32),
    }
    write_case(folder, route="v2", options=[], inputs=inputs, answers=answers, made_by=MADE_BY)


if __name__ == "__main__":
    kind, out = sys.argv[1], Path(sys.argv[2])
    builders = {
        "regressor": lambda: regressor(out, double=False),
        "double": lambda: regressor(out, double=True),
        "classifier": lambda: classifier(out),
        "pipeline": lambda: pipeline(out),
    }
    builders[kind]()
