"""The rows that a model of a repository was trained and measured on."""

from argparse import Namespace

from models.manifest import Manifest
from training.cli.table_options import table_format
from training.data.table import Table, read_table
from training.data.table_split import Split, split_table
from training.recipes import TASKS


def training_rows(manifest: Manifest, options: Namespace) -> Split | None:
    """The rows, split as in training: of the table in the options, or of a default model's task; None without either.

    Raises:
        InputError: the table does not have the model's columns.
    """
    if options.data is not None:
        table = model_table(manifest, options, seed=manifest.training.seed)
        return split_table(table.inputs, table.target, manifest.training.seed, str(options.data), table.numbers)
    if manifest.training.command == f"python -m training zoo {manifest.name}" and manifest.name in TASKS.names():
        return TASKS.load(manifest.name).split(manifest.training.seed)
    return None


def model_table(manifest: Manifest, options: Namespace, *, seed: int = 0) -> Table:
    """The table of the option ``--data``, with the model's columns and its target.

    Args:
        manifest: of the model.
        options: with ``data``, ``target``, ``drop_incomplete`` and those of the table's format.
        seed: of the rows that are drawn from a long table.

    Raises:
        InputError: the table does not have the model's columns.
    """
    return read_table(
        options.data,
        options.target or (manifest.outputs[0].columns or ["y"])[0],
        manifest.columns,
        drop_incomplete=options.drop_incomplete,
        seed=seed,
        table_format=table_format(options),
    )
