"""The ``report`` command."""

from argparse import Namespace

from models.manifest import REPORT_FILE
from training.cli.stored_models import find_model
from training.cli.training_rows import training_rows
from training.errors import InputError
from training.export.add_file import add_file
from training.export.onnx_predictor import onnx_predictor
from training.output.whole_file import write_whole_file
from training.report.card import Stated, render_report, stored_evaluation
from training.tabular.evaluation import evaluate_split


def run_report(options: Namespace) -> None:
    """Write the report of a model, into its version folder or elsewhere."""
    folder, manifest = find_model(options.repository, options.name, options.version)
    evaluation = None
    if manifest.task == "arithmetic":
        if options.data is not None or stored_evaluation(folder, manifest) is None:
            split = training_rows(manifest, options)
            if split is not None:
                networks = {"model": onnx_predictor(folder, manifest)}
                evaluation = evaluate_split(networks, manifest.columns, split)
    elif options.data is not None:
        raise InputError(
            f"--data is for models of columns of numbers, and '{options.name}' is of images; leave it out."
        )
    page = render_report(folder, manifest, evaluation, Stated(options.licence, options.contact))
    if options.output is not None:
        write_whole_file(options.output, page)
        print(f"Wrote {options.output}.")
    else:
        written = add_file(folder, manifest, REPORT_FILE, page)
        print(f"Wrote {written}; the service shows it at /models/{manifest.name}/report?version={manifest.version}.")
