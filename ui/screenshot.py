"""`python -m ui.screenshot`: start the chat on a free port and save the README's pictures in ui/screenshots/.

Needs Playwright and a Chromium (RAG_CHROMIUM names it when it is not on the PATH).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent / "screenshots"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--hide-scrollbars",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
ANSWERED = "Why are professors and researchers leaving South Korea?"
UNANSWERED = "Who won the football world cup?"


def chromium() -> str | None:
    """Path of a Chromium or Chrome on this machine."""
    names = (os.environ.get("RAG_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def running_chat(**environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a chat on a free port, and its process, which is stopped at the end."""
    command = [sys.executable, "-m", "ui", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stdout and process.stderr
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout)), None)
        if not found:
            raise RuntimeError(f"The chat did not start: {process.stderr.read()}")
        yield found.group(), process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def ask(page: Page, question: str) -> None:
    """Ask, and wait for the whole answer."""
    turns = page.locator("#log .turn").count()
    page.fill("#ask textarea", question)
    page.keyboard.press("Enter")
    page.locator(f"#log .turn:not(.pending):nth-child({turns + 1})").wait_for(timeout=60_000)


def _open(browser: Browser, url: str, size: dict[str, int], scheme: str = "light") -> Page:
    page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(url)
    page.wait_for_selector("body.ready", state="attached")
    return page


def _widget(browser: Browser, url: str, size: dict[str, int], name: str) -> None:
    """The demo's news page: the answer in the widget, then the sentence it cites marked on the page."""
    page = browser.new_page(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(f"{url}/demo")
    page.click("article-chat button")
    panel = page.frame_locator("article-chat iframe")
    panel.locator("#question").fill(ANSWERED)
    panel.locator("#question").press("Enter")
    panel.locator("#log[aria-busy=false] .cite").first.wait_for(timeout=60_000)
    if size is PHONE:
        page.screenshot(path=FOLDER / f"{name}-answer.png")
    panel.locator(".cite").first.click()
    while not page.evaluate("CSS.highlights.has('article-chat')"):
        page.wait_for_timeout(50)
    page.screenshot(path=FOLDER / f"{name}.png")


def main() -> int:
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(exist_ok=True)
    with running_chat() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        page = _open(browser, url, DESKTOP)
        page.wait_for_selector("#guide [data-ready=true]", timeout=120_000)
        page.screenshot(path=FOLDER / "start.png")
        for name, size, scheme in (("chat", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light")):
            page = _open(browser, url, size, scheme)
            ask(page, ANSWERED)
            if size is PHONE:
                page.screenshot(path=FOLDER / "phone-answer.png")
            page.click("#log .turn .cite >> nth=0")
            page.wait_for_selector("#article mark")
            page.screenshot(path=FOLDER / f"{name}.png")
        page = _open(browser, url, DESKTOP)
        ask(page, UNANSWERED)
        page.screenshot(path=FOLDER / "refusal.png")
        _widget(browser, url, DESKTOP, "widget")
        _widget(browser, url, PHONE, "widget-phone")
        browser.close()
    for picture in sorted(FOLDER.glob("*.png")):
        print(f"{picture.relative_to(FOLDER.parent.parent)}: {picture.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
