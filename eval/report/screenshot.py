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
_SHORTER = """() => {
  for (const id of ["h-tags", "h-latency"]) document.querySelector(`section[aria-labelledby=${id}]`).hidden = true;
  for (const result of document.querySelectorAll(".question[open] .result"))
    Object.assign(result.style, {maxHeight: "26rem", overflow: "hidden"});
  scrollTo(0, 0);
}"""


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
        shown.select_option("#outcome", "*failed")
        shown.locator(".question summary").first.click()
        shown.evaluate(_SHORTER)
        top, bottom = shown.locator("#h-plots").bounding_box(), shown.locator(".question").nth(6).bounding_box()
        assert top and bottom
        area = {"x": 0.0, "y": top["y"] - 8, "width": 1180.0, "height": bottom["y"] - top["y"] + 8}
        shown.screenshot(path=PICTURE, full_page=True, clip=area)  # type: ignore[arg-type]
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
