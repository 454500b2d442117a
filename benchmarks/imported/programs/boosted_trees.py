"""LightGBM and XGBoost by onnxmltools: a regressor as a table, and a classifier with missing values."""

import importlib
import sys
from pathlib import Path

import numpy as np
import onnxmltools
from case_file import write_case
from onnxmltools.convert.common.data_types import FloatTensorType

RANDOM = np.random.default_rng(0)
ROWS, FRESH = 2000, 200
COLUMNS = ["a", "b", "c", "d"]
CLASSES = {"lightgbm": ("LGBMRegressor", "LGBMClassifier"), "xgboost": ("XGBRegressor", "XGBClassifier")}
OPTIONS = {"lightgbm": {"verbose": -1}, "xgboost": {}}


def main(library, kind, folder):
    """Train, export, and write down the answers."""
    module = importlib.import_module(library)
    build = getattr(module, CLASSES[library][kind == "classifier"])
    model = build(n_estimators=50, random_state=0, **OPTIONS[library])
    X = RANDOM.normal(size=(ROWS + FRESH, 4)).astype(np.float32)
    y = 3 * X[:, 0] + X[:, 1] * X[:, 2]
    if kind == "classifier":
        X[RANDOM.random(X.shape) < 0.1] = np.nan
        y = np.digitize(y, [-1.5, 1.5])
    model.fit(X[:ROWS], y[:ROWS])
    convert = getattr(onnxmltools, f"convert_{library}")
    onnx_model = convert(model, initial_types=[("input", FloatTensorType([None, 4]))], target_opset=15)
    (folder / "model.onnx").write_bytes(onnx_model.SerializeToString())
    made_by = f"{library} {module.__version__}, onnxmltools {onnxmltools.__version__}"
    fresh, outputs = X[ROWS:], [output.name for output in onnx_model.graph.output]
    if kind == "classifier":
        answers = dict(
            zip(outputs, (model.predict(fresh).astype(np.int64), _floats(model.predict_proba(fresh))), strict=True)
        )
        write_case(folder, route="v2", options=[], inputs={"input": fresh}, answers=answers, made_by=made_by)
        return
    np.savetxt(folder / "train.csv", X[:ROWS], delimiter=",", header=",".join(COLUMNS), comments="")
    options = ["--columns", *COLUMNS, "--target", "y", "--data", folder / "train.csv"]
    answers = {"y": _floats(model.predict(fresh)).reshape(-1, 1)}
    write_case(folder, route="arithmetic", options=options, inputs={"input": fresh}, answers=answers, made_by=made_by)


def _floats(values):
    return np.asarray(values, np.float32)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
