"""`python -m eval.report.screenshot RUN [RUN…]`: the picture of eval/README.md. Needs Playwright and a Chromium."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from eval.report.data import read_runs
from eval.report.page import page
from ui.screenshot import CHROMIUM_ARGUMENTS, chromium

PICTURE = Path(__file__).parents[1] / "report.png"


def main(argv: Sequence[str]) -> int:
    from playwright.sync_api import sync_playwright

    if not argv:
        print("usage: python -m eval.report.screenshot RUN [RUN…]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(page(read_runs([Path(run) for run in argv])), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        shown = browser.new_page(viewport={"width": 1180, "height": 900}, color_scheme="light")
        shown.goto(file.as_uri())
        shown.wait_for_selector("body.ready", state="attached")
        plots, list_ = shown.locator("#h-plots"), shown.locator("#h-questions")
        shown.select_option("#outcome", "*failed")
        shown.locator(".question summary").first.click()
        shown.locator(".question[open] .result").first.evaluate("e => { e.style.maxHeight = '22rem'; e.style.overflow = 'hidden' }")
        shown.evaluate("for (const s of document.querySelectorAll('section[aria-labelledby=h-tags], section[aria-labelledby=h-latency]')) s.hidden = true")
        top, bottom = plots.bounding_box(), shown.locator(".question").nth(9).bounding_box()
        assert top and bottom and list_.is_visible()
        area = {"x": 0.0, "y": 0.0, "width": 1180.0, "height": bottom["y"]}
        shown.screenshot(path=PICTURE, full_page=True, clip=area)  # type: ignore[arg-type]
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
