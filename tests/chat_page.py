"""The chat in a real browser, for the tests that need it: two small articles with traps in their text, the real server
over them, and a page that must not ask anything of another machine. pytest takes the fixtures by import."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from ui.screenshot import CHROMIUM_ARGUMENTS, DESKTOP, PHONE, chromium, running_chat

PWN = '<img src="/pwned" onerror="window.pwned=1"><script>window.pwned=1</script>'
FERRY = f"""---
title: The ferry to Lindholm is back
publisher: Harbour Post
published: 3 May
---

Repairs took a whole winter

🚢🚢 After a long winter the ferry to Lindholm sails again. Its captain, Marta Berg, has steered it for 19 years.

🧾 The repairs cost 4.2 million kroner, twice what the harbour office had planned. The money came from the county, which
owns the ferry. A plate at the bow reads {PWN} to this day.

Timetable

⏰ The ferry leaves every morning at seven and comes back at noon. Old tickets stay valid until the end of August.
"""
BEES = """---
title: Bees on the roof of the town hall
publisher: Harbour Post
---

Six hives stand on the roof of the town hall since April. The beekeeper, Jonas Lund, looks after them twice a week.

The first honey was sold at the market for 90 kroner a jar.
"""
FERRY_TITLE, BEES_TITLE = "The ferry to Lindholm is back", "Bees on the roof of the town hall"
SUMMARIZE = "Summarize the article"
SLOW = 60_000  # milliseconds; far more than it takes, since another program may have the processor


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    corpus = tmp_path_factory.mktemp("chat") / "corpus"
    corpus.mkdir()
    (corpus / "1-ferry.md").write_text(FERRY, encoding="utf-8")
    (corpus / "2-bees.md").write_text(BEES, encoding="utf-8")
    return corpus.parent


@pytest.fixture(scope="module")
def settings(home: Path) -> dict[str, str]:
    return {"RAG_CORPUS": str(home / "corpus"), "RAG_INDEX": str(home / "index")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not chromium() and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to run the browser tests")
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def chat(settings: dict[str, str], browser: Browser) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with running_chat(**settings) as running:
        yield running


@pytest.fixture(scope="module")
def desk(browser: Browser) -> BrowserContext:
    """One for all tests, since each context has a cache of its own; a page is a conversation of its own anyway."""
    return browser.new_context(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pocket(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport=PHONE, color_scheme="dark", reduced_motion="reduce")  # type: ignore[arg-type]


def visit(context: BrowserContext, url: str) -> Iterator[Page]:
    """A fresh page, which must not ask anything of another machine, nor meet an error in its scripts."""
    page, asked, faults = context.new_page(), [], []
    page.set_default_timeout(SLOW)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    enter(page, url)
    yield page
    page.close()
    outside = [u for u in asked if urlsplit(u).scheme not in ("data", "blob") and urlsplit(u).hostname != "127.0.0.1"]
    assert asked and outside == []
    assert faults == []


def enter(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("body.ready", state="attached")


@pytest.fixture
def page(desk: BrowserContext, chat: tuple[str, subprocess.Popen[str]]) -> Iterator[Page]:
    yield from visit(desk, chat[0])


@pytest.fixture
def phone(pocket: BrowserContext, chat: tuple[str, subprocess.Popen[str]]) -> Iterator[Page]:
    yield from visit(pocket, chat[0])


def turn(page: Page, number: int) -> Locator:
    return page.locator("#log .turn").nth(number)


def choose(page: Page, name: str, selector: str = "#scope") -> None:
    page.click(f"{selector} input")
    page.get_by_role("option", name=name).click()


def quote_of(cite: Locator) -> str:
    return cite.get_attribute("data-quote") or cite.inner_text()


def check_marked(page: Page, cite: Locator, text: str) -> None:
    """The article pane shows the place that `cite` cites, marked: its quote, all of it and nothing else."""
    expect(cite).to_have_attribute("aria-current", "true")
    expect(page.locator("#article article")).to_have_attribute("data-article", cite.get_attribute("data-article") or "")
    mark = page.locator("#article mark")
    expect(mark).to_have_text(quote_of(cite))
    expect(mark).to_be_in_viewport()
    assert mark.text_content() == quote_of(cite)  # to_have_text overlooks white space
    assert quote_of(cite).replace("\n", " ") in text.replace("\n", " ")
