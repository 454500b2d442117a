"""The pages of the documentation, and the blocks of code in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
"""README and the pages that people write; those under docs/results are made by benchmarks."""
EXAMPLES = ROOT / "docs" / "examples.md"
WORKED_EXAMPLES = ROOT / "docs" / "worked-examples.md"
LIBRARY = ROOT / "docs" / "library.md"
WITH_PACKAGES = (EXAMPLES, WORKED_EXAMPLES, LIBRARY)
"""Their tables come with packages that the tests do not install, and the library is a package of its own; see
test_examples.py, test_worked_examples.py and test_library.py."""


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: str | Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", read(page), re.DOTALL)


def printed(block: str) -> list[str]:
    """What a block of Python claims to print, in the comments after its calls of print."""
    return re.findall(r"print\(.*\)  # (.*)", block)
