"""The ``fit`` command."""

import sys
from argparse import Namespace

from models.manifest import Manifest
from models.units import UNITS
from training.cli.law_options import category_column, law_search_space, notes_on
from training.cli.report import print_best, print_next_steps, print_no_law, print_result, print_rivals
from training.cli.table_options import table_format
from training.cli.validators import check_folders, check_name, name_from_file, names_of_targets
from training.data.table import informative, read_table
from training.data.table_split import Split, split_table
from training.errors import InputError
from training.tabular import fit
from training.tabular.export import export_fitted
from training.tabular.front_plot import plot_front
from training.trainer.executors.open import open_executor
from training.trainer.executors.tasks import completed


def run_fit(options: Namespace) -> None:
    """Learn a column of a table from the others, or several, each by a model of its own."""
    name = name_from_file(options.data) if options.name is None else check_name(options.name)
    unit, names = _unit_or_auto(options), names_of_targets(name, options.target)
    prepared = [_prepare(options, model, target, unit) for target, model in names.items()]
    check_folders(options.repository, options.plots)
    for note in dict.fromkeys(note for _, _, notes in prepared for note in notes):
        print(note)
    tasks = [(config, split) for config, split, _ in prepared]
    with open_executor(options.on, options.jobs and min(options.jobs, len(prepared))) as executor:
        for index, fitted in completed(executor, fit.fit, tasks):
            _export(options, *tasks[index], fitted)


def _prepare(options: Namespace, name: str, target: str, unit: str) -> tuple[fit.FitConfig, Split, list[str]]:
    """What to fit to a target, its rows, and notes on them. Other targets are inputs only if ``--columns`` says so."""
    table = read_table(
        options.data,
        target,
        options.columns,
        weights=options.weights,
        no_inputs=options.target,
        drop_incomplete=options.drop_incomplete,
        seed=options.seed,
        table_format=table_format(options),
    )
    table, left_out = informative(table, str(options.data))
    split = split_table(table.inputs, table.target, options.seed, str(options.data), table.numbers, table.weights)
    config = fit.FitConfig(
        name=name,
        columns=table.columns,
        target=table.target_name,
        unit=unit,
        hidden=options.hidden,
        seed=options.seed,
        restarts=options.restarts,
        seconds=options.seconds,
        space=law_search_space(options, table.columns, table.target_name),
        category=category_column(options, table.columns),
        command=options.command_line,
        data=f"{options.data.name}: {table.rows} rows"
        + (f", weighted by '{options.weights}'" if options.weights else ""),
    )
    return config, split, [*table.notes, *left_out, *notes_on(config.space)]


def _export(options: Namespace, config: fit.FitConfig, split: Split, fitted: fit.FittedModel) -> None:
    """Export and report one model."""
    name = config.name
    folder = export_fitted(fitted, config, split, options.repository)
    print_result(name, Manifest.read(folder))
    _print_notes(fitted, split)
    sys.stdout.flush()  # the law is there a second before its plots are
    fit.plot(fitted, split, plot := options.plots / f"{name}.png", f"{name}, learned by {fitted.unit}")
    print(f"plot     {plot}")
    if len(fitted.front) > 1:
        plot_front(front := options.plots / f"{name}-front.png", name, fitted.front, _law(fitted))
        print(f"front    {front}")
    print_next_steps(folder, options.repository, name, [[float(f"{value:.6g}") for value in split.train.inputs[0]]])


def _law(fitted: fit.FittedModel) -> str | None:
    return fitted.formula.text if fitted.formula else None


def _print_notes(fitted: fit.FittedModel, split: Split) -> None:
    if fitted.mlp is None:
        print("No comparison with an MLP: none of its starts gives finite numbers.")
    if split.train.weights is not None:
        print("Errors are means in which rows count by their weights.")
    if fitted.remark:
        print(fitted.remark)
    if fitted.reason:
        print_no_law(fitted.reason)
        if len(fitted.front) == 1:  # more are plotted
            print_best(fitted.front[0])
        print_rivals(fitted.rivals)
    if len(split.train) > fit.MAX_TRAINING_ROWS:
        print(f"Trained on {fit.MAX_TRAINING_ROWS} of {len(split.train)} rows, drawn at random.")


def _unit_or_auto(options: Namespace) -> str:
    unit = UNITS.canonical(options.unit, also=[fit.AUTO])
    if unit == fit.AUTO and options.hidden:
        raise InputError(
            "--hidden is for a unit, such as --unit NAU; the search finds its own layers, so leave it out."
        )
    return unit
