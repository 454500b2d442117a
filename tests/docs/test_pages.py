"""What the pages promise in form: their length, their links, and that what they name is there."""

import importlib.util
import re
from pathlib import Path

import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.observability.exported import exported_metrics
from tests.docs.pages import PAGES, ROOT, name, read
from training.cli.commands import COMMANDS
from training.cli.parser import parse

DECISIONS = sorted(path for path in (ROOT / "docs" / "design").glob("*.md") if path.name != "index.md")
WRITTEN = [*PAGES, *DECISIONS, ROOT / "docs/design/index.md", ROOT / "docs/results/trials.md", ROOT / "CONTRIBUTING.md"]
PATH = re.compile(r"`((?:app|models|training|benchmarks|tests|docs)/[\w./-]+)`")


def test_the_readme_has_at_most_700_words() -> None:
    assert len(read("README.md").split()) <= 700


def test_the_readme_shows_two_commands_and_their_answer_before_word_120() -> None:
    before = " ".join(read("README.md").split()[:120])
    assert before.index("make serve") < before.index("curl -s localhost:8000/predict") < before.index('"warnings":[]}')


def test_the_readme_shows_one_plot_before_its_first_command() -> None:
    images = re.findall(r"!\[[^]]+\]\((.*?)\)", read("README.md"))
    assert len(images) == 1
    assert (ROOT / images[0]).is_file()
    assert read("README.md").index(images[0]) < read("README.md").index("make serve")


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_is_a_title_a_decision_a_reason_and_a_cost_in_25_lines(page: Path) -> None:
    text = read(page)
    parts = re.findall(r"^(# |\*\*Decision\.\*\* |\*\*Why\.\*\* |\*\*Cost\.\*\* )", text, re.MULTILINE)
    assert parts == ["# ", "**Decision.** ", "**Why.** ", "**Cost.** "]
    assert len(text.splitlines()) <= 25
    assert max(map(len, text.splitlines())) <= 120


def test_the_index_lists_every_decision_by_its_title() -> None:
    index = read("docs/design/index.md")
    listed = re.findall(r"^- \[(.*)\]\((.*)\)$", index, re.MULTILINE)
    assert sorted(listed, key=lambda entry: entry[1]) == [
        (read(page).splitlines()[0].removeprefix("# "), page.name) for page in DECISIONS
    ]


def anchors(page: Path) -> set[str]:
    """What headings can be linked to as, in the manner of git hosts."""
    titles = re.findall(r"^#+ (.*)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(page)):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{target} is not there"
        assert not anchor or anchor in anchors(linked), f"{target} is no heading"


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_files_that_are_named_are_there(page: Path) -> None:
    text = re.sub(r"(?s)## To add.*?\n## ", "## ", read(page))  # which names files that are yet to be made
    for path in PATH.findall(text):
        assert (ROOT / path).exists(), f"{path} is not there"


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_commands_that_are_named_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    for target in re.findall(r"(?:^    |`|&& )make ([\w-]+)", read(page), re.MULTILINE):
        assert target in targets, f"make {target} is not there"
    for module in re.findall(r"python -m ([\w.]+\w)", read(page)):
        assert importlib.util.find_spec(module), f"python -m {module} is not there"


def test_every_setting_is_listed_with_its_default() -> None:
    listed = {
        name: value
        for names, values in re.findall(
            r"^\| ((?:`NALU_\w+`(?:, )?)+) \| ([^|]+) \| ", read("docs/serving.md"), re.MULTILINE
        )
        for name, value in zip(re.findall(r"`(NALU_\w+)`", names), values.replace("`", "").split(", "), strict=True)
    }
    fields = {f"NALU_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert listed.keys() == fields.keys()
    for setting, default in fields.items():
        assert listed[setting].strip() == shown(default), setting


def shown(default: object) -> str:
    if default is None:
        return "unset"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_options_of_training_that_are_named_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            parse([command, "--help"])
    accepted = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
    named = set(re.findall(r"`(?:[^`]* )?(--[a-z][a-z-]+)", read("docs/training.md"))) - {"--help"}
    assert len(named) > 20
    assert named <= accepted


def test_endpoints_that_are_listed_are_there() -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, methods in create_app(Settings(repository=ROOT / "repository")).openapi()["paths"].items()
        for method in methods
    }
    listed = set(re.findall(r"`((?:GET|POST) /[^`]+)`", read("docs/serving.md"))) - {"GET /docs", "GET /openapi.json"}
    assert len(listed) >= 8
    assert listed <= documented


def test_every_metric_is_listed_with_its_labels() -> None:
    listed = {
        metric: set(re.findall(r"`(\w+)`", labels))
        for listing, labels in re.findall(r"^\| (`nalu_.*?) \| (.*?)\| ", read("docs/serving.md"), re.MULTILINE)
        for metric in re.findall(r"`(\w+)`", listing)
    }
    assert listed == exported_metrics()
