"""python -m benchmarks.page: a newcomer's way through the page in Chromium, its accessibility, and screenshots.

Starts ``python -m app`` on the default models. Counts JavaScript errors and requests to other hosts, and runs axe-core
on every view. Ends with status 1 where there is any. Needs Chromium.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from hashlib import sha256
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from benchmarks.fuzz import service
from benchmarks.page import walk
from benchmarks.page.visitor import CHROMIUM, SIZES, Scheme, Visitor, chromium
from training.output.whole_file import write_whole_file

RESULTS = Path(__file__).parents[2] / "docs" / "results"
VIEWS = ("", "kinetic-energy", "digit", "digit-sum")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
COLOURS = 255
"""Of a screenshot's palette."""
SCREENSHOTS: dict[str, tuple[str, Scheme, float, Callable[[Visitor], object]]] = {
    "overview": ("wide", "light", 1, Visitor.open),
    "numbers": ("wide", "light", 1, walk.paste_rows),
    "digits": ("wide", "light", 1, walk.read_digits),
    "dark": ("wide", "dark", 1, walk.paste_rows),
    "phone-overview": ("phone", "light", 1.5, Visitor.open),
    "phone-numbers": ("phone", "dark", 1.5, walk.paste_rows),
    "phone-digits": ("phone", "light", 1.5, lambda visitor: walk.read_digits(visitor, (7, 3))),
}
"""Window, colours, sharpness and what is done before each is taken."""


def newcomer(browser: Browser, faults: list[str]) -> list[walk.Step]:
    """The newcomer's way, without and with a key; what goes wrong is added to the faults."""
    with service() as address:
        visitor = Visitor(browser, f"{address}/")
        steps = [step(visitor) for step in (walk.read_digits, walk.paste_rows, walk.read_plot, walk.predict_table)]
        faults += visitor.errors + [host for host in visitor.hosts if f"http://{host}" != address]
        visitor.close()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text(f"newcomer {sha256(b'a-key').hexdigest()}\n", encoding="utf-8")
        with service(NALU_API_KEYS_FILE=str(file)) as address:
            visitor = Visitor(browser, f"{address}/")
            steps.append(walk.use_key(visitor, "a-key"))
            # Chromium reports the response without a key, by which the page knows that it needs one
            faults += [error for error in visitor.errors if "401" not in error]
            visitor.close()
    return steps


def violations(browser: Browser, address: str) -> list[str]:
    """What axe-core finds on every view, in every size and colour."""
    visitor = Visitor(browser, address)
    found = []
    for size, scheme, view in product(SIZES, SCHEMES, VIEWS):
        visitor.prefer(size, scheme)
        visitor.open(view)
        found += [f"{view or 'overview'}, {size}, {scheme}: {rule}" for rule in visitor.violations()]
    visitor.close()
    return found


def screenshot(browser: Browser, address: str, name: str) -> bytes:
    """A screenshot, as PNG with a palette."""
    size, scheme, sharpness, act = SCREENSHOTS[name]
    visitor = Visitor(browser, address, SIZES[size], scheme, sharpness)
    act(visitor)
    visitor.page.mouse.move(0, 0)
    image = Image.open(io.BytesIO(visitor.screenshot(full=name == "numbers"))).convert("RGB")
    visitor.close()
    content = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def render(steps: list[walk.Step], faults: list[str], rules: list[str], version: str) -> str:
    """The page of results."""
    lines = "\n".join(f"| {action} | {shown} |" for action, shown in steps)
    views = len(VIEWS) * len(SIZES) * len(SCHEMES)
    return f"""# The page in Chromium

`python -m benchmarks.page --write` measures this, on the default models, in Chromium {version}.

| A person does | and reads |
| --- | --- |
{lines}

JavaScript errors and requests to other hosts on this way: {len(faults)}. Violations of axe-core's rules on {views}
views (overview, numbers, one digit, several digits; wide and phone; light and dark): {len(rules)}.
[The page](../page.md) has the screenshots.
"""


def main() -> None:
    """Walk, check and report.

    Raises:
        SystemExit: with status 1 where anything is wrong, or Chromium is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/results/page.md and the screenshots")
    options = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed; apt-get install chromium.")
    faults: list[str] = []
    with chromium() as browser:
        steps = newcomer(browser, faults)
        with service() as address:
            rules = violations(browser, f"{address}/")
            if options.write:
                for name in SCREENSHOTS:
                    write_whole_file(RESULTS / f"page-{name}.png", screenshot(browser, f"{address}/", name))
        report = render(steps, faults, rules, browser.version)
    print(report, *faults, *rules, sep="\n")
    if options.write:
        write_whole_file(RESULTS / "page.md", report.encode())
    raise SystemExit(1 if faults or rules else 0)


if __name__ == "__main__":
    main()
