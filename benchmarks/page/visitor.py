"""A person at the page: opens it in Chromium, draws, pastes, drops and downloads; what goes wrong is recorded."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from app.http.example_images import STROKES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

SIZES = {"wide": (1280, 900), "phone": (390, 844)}
"""Windows, in CSS pixels."""
TIMEOUT_SECONDS = 60
"""Longest wait for anything; machines may be busy with other work."""
DIGIT_SPACING = 27
"""From one drawn digit to the next, in units of their strokes, which are 12 wide and 18 tall."""
DROP = """([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name, {type: "text/csv"}));
    return transfer;
}"""
ROWS = """() => [...document.querySelectorAll(".rows tbody tr")].map(row => [
    ...row.querySelectorAll("input"), ...row.querySelectorAll("td:not(:has(*))")
].map(cell => cell.value ?? cell.innerText))"""
GO = """async hash => {
    for (const next of ["#/?", hash]) {
        const changed = new Promise(resolve => addEventListener("hashchange", resolve, {once: true}));
        location.hash = next;
        await changed;
    }
}"""

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, which reaches no other machine."""
    expect.set_options(timeout=TIMEOUT_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, OFFLINE])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person with one tab.

    Args:
        browser: the browser.
        address: of the service, ending with a slash.
        size: of the window.
        scheme: the colours that the system prefers.
        sharpness: pixels of a screenshot for each CSS pixel.

    Attributes:
        page: the tab.
        errors: uncaught JavaScript errors, console errors and failed requests.
        hosts: hosts that were asked for anything.
    """

    def __init__(
        self,
        browser: Browser,
        address: str,
        size: tuple[int, int] = SIZES["wide"],
        scheme: Scheme = "light",
        sharpness: float = 1,
    ) -> None:
        width, height = size
        self._address = address
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            device_scale_factor=sharpness,
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(TIMEOUT_SECONDS * 1000)
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("request", lambda request: self._note_host(request.url))

    def _note_host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data"):
            self.hosts.add(parts.netloc)

    def close(self) -> None:
        """Close the tab."""
        self._context.close()

    def open(self, model: str = "", heading: str | None = None) -> None:
        """Open the page, or a model on it, and wait until it is shown with its answers."""
        if self.page.url == "about:blank":
            self.page.goto(f"{self._address}#/{model}")
        else:
            self.page.evaluate(GO, f"#/{model}")
        self.page.get_by_role("heading", level=1, name=heading or model or "Models", exact=True).wait_for()
        self.page.locator("main[aria-busy=false]").wait_for()

    @property
    def answer(self) -> Locator:
        """The answer to an image."""
        return self.page.locator(".headline")

    def draw(self, digits: Sequence[int], scale: float = 4.0, left: float = 40.0) -> None:
        """Draw digits beside one another in the middle of the canvas."""
        self.page.locator("canvas").scroll_into_view_if_needed()
        box = self.page.locator("canvas").bounding_box()
        assert box is not None
        top = box["y"] + box["height"] / 2 - 9 * scale
        for place, digit in enumerate(digits):
            for stroke in STROKES[digit]:
                points = [(box["x"] + left + scale * (DIGIT_SPACING * place + x), top + scale * y) for x, y in stroke]
                self._stroke(points)
        self.page.locator(".answer-panel[aria-busy=false]").wait_for()

    def _stroke(self, points: Sequence[tuple[float, float]]) -> None:
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down()
        for point in points[1:]:
            mouse.move(*point, steps=3)
        mouse.up()

    def paste_rows(self, text: str) -> list[list[str]]:
        """Paste a text into the first cell of the table; return each row: its cells, answers and place in the range."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.locator(".rows tbody input").first.focus()
        self.page.keyboard.press("Control+V")
        self.page.locator(".rows tbody tr:last-child .answer:not(:empty)").wait_for()
        rows: list[list[str]] = self.page.evaluate(ROWS)
        return rows

    def drop_table(self, name: str, text: str) -> None:
        """Drop a file on the page and wait for what becomes of it."""
        transfer = self.page.evaluate_handle(DROP, [name, text])
        self.page.locator(".drop").dispatch_event("drop", {"dataTransfer": transfer})
        self.page.locator(".drop .button, .drop [role=alert]").first.wait_for()

    def download(self) -> str:
        """Download the table with the answers; return its text."""
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="Download CSV").click()
        return Path(download.value.path()).read_text(encoding="utf-8")

    def violations(self) -> list[str]:
        """Rules of axe-core that what is shown violates, each with an element."""
        found = Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {_target(rule)}" for rule in found]

    def prefer(self, size: str, scheme: Scheme) -> None:
        """Change the window's size and the colours that the system prefers."""
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)

    def screenshot(self, full: bool = True) -> bytes:
        """What is shown, as PNG."""
        return self.page.screenshot(full_page=full, animations="disabled")


def _target(rule: dict[str, Any]) -> str:
    return ", ".join(str(node["target"]) for node in rule["nodes"][:3])
