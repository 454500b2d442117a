"""Names of models, made from names of files, and commands that work when they are pasted."""

import re
import shlex
from pathlib import Path

import pytest

from models.manifest import NAME_PATTERN
from training.__main__ import main
from training.cli.report import print_next_steps
from training.cli.validators import check_name, name_from_file
from training.data import mnist
from training.errors import InputError
from training.tabular.fit import FitConfig

FILES = {
    "sales.csv": "sales",
    "my data (1).csv": "my-data-1",
    "sales.2024.csv": "sales.2024",
    "sales.csv.gz": "sales",
    "sales.XLSX": "sales",
    "Données für Köln.csv": "Donnees-fur-Koln",
    ".hidden.csv": "hidden",
    "--name.csv": "name",
    "../up.csv": "up",
    "a_b-c.csv": "a_b-c",
    "№ 5 价格.csv": "No-5",
    "100%.csv": "100",
    "x" * 200 + ".csv": "x" * 64,
    "y" * 63 + " z.csv": "y" * 63,
    "no ending": "no-ending",
}


@pytest.mark.parametrize(("file", "name"), FILES.items())
def test_a_file_gives_its_model_a_valid_name(file: str, name: str) -> None:
    assert name_from_file(Path(file)) == name
    assert re.fullmatch(NAME_PATTERN, name)


@pytest.mark.parametrize("file", ["价格.csv", "( ).csv", "---.csv", "数据.csv.gz"])
def test_a_file_without_a_letter_for_a_name_is_one_sentence(file: str) -> None:
    with pytest.raises(InputError) as caught:
        name_from_file(Path(file))
    assert str(caught.value) == (
        f"The file's name '{file}' has no letter or digit that a model's name may hold; choose a name with --name."
    )


@pytest.mark.parametrize(("options", "name"), [([], "my-data-1"), (["--name", "own.name"], "own.name")])
def test_fit_takes_the_name_of_the_file_unless_one_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], name: str
) -> None:
    data, named = tmp_path / "my data (1).csv", []
    data.write_text("a,y\n" + "".join(f"{i},{2 * i}\n" for i in range(20)))

    def fit(config: FitConfig, *_: object) -> None:
        named.append(config.name)
        raise InputError("Enough is known.")

    monkeypatch.setattr("training.tabular.fit.fit", fit)
    folders = ["--repository", str(tmp_path / "my models"), "--plots", str(tmp_path / "my plots")]
    assert main(["fit", str(data), "--target", "y", *folders, *options]) == 2
    assert named == [name]


@pytest.mark.parametrize(
    ("name", "repair"),
    [
        ("my model", ", such as --name my-model"),
        ("../up", ", such as --name up"),
        ("a/b\\c", ", such as --name a-b-c"),
        (".hidden", ", such as --name hidden"),
        ("größe", ", such as --name gro-e"),
        ("two\nlines", ", such as --name two-lines"),
        ("价格", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_not_valid_is_one_sentence_with_one_that_is(name: str, repair: str) -> None:
    shown = name.replace("\n", "\\n")
    with pytest.raises(InputError) as caught:
        check_name(name)
    assert str(caught.value) == (
        f"The model's name '{shown}' may hold letters, digits, '.', '_' and '-', up to 64, the first a letter or a "
        f"digit; choose one with --name{repair}."
    )


def test_a_very_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(InputError) as caught:
        check_name("x" * 10_000)
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith(f"such as --name {'x' * 64}.")


@pytest.mark.parametrize("repository", ["models", "my models", "it's", "$HOME", "模型", "a;b", "a&b", "*", "-x"])
def test_the_printed_commands_work_when_they_are_pasted(repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_next_steps(Path(repository) / "sum" / "1", Path(repository), "sum", [[1.0, 2.0]])
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert shlex.split(lines["serve"]) == ["python", "-m", "app", "--repository", repository.replace("-x", "./-x")]
    body = '{"model": "sum", "inputs": [[1.0, 2.0]]}'
    assert shlex.split(lines["predict"]) == ["curl", "localhost:8000/predict/arithmetic", "-d", body]


def test_the_command_that_gets_mnist_works_when_it_is_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    with pytest.raises(InputError) as caught:
        mnist.load_mnist(folder)
    command = str(caught.value).partition("get MNIST with ")[2].removesuffix(".")
    assert shlex.split(command) == ["python", "-m", "training", "data", "mnist", "--to", str(folder)]
