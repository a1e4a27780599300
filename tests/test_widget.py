"""The widget in a real browser, on publishers' pages from another origin than the bot's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from tests.web import pages, running, small_corpus
from ui.screenshot import CHROMIUM_ARGUMENTS, chromium
from ui.settings import Settings

SLOW = 60_000
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FILLER = "<p>Lorem ipsum dolor sit amet, the town has more to tell on another day than it can tell today.</p>" * 25
STORY = f"""<article><h1>A lighthouse for Skerry Rock</h1>
<p>The light&shy;house was lit for the <em>first</em> time in 1844, and fisher&shy;men came from <a href="/x">three islands</a>
to see&nbsp;it.</p>
{FILLER}
<p>“Nobody slept that night,” said Ada Morrow, the keeper’s daughter — she was <b>twelve</b> then.</p>
<p>A storm broke the lantern in 1871. The harbour paid 4,200 crowns to mend it. A storm broke the lantern in 1871.</p>
<p>The tower was painted red in 1902.</p></article>"""
RESETS = """<style>*{all:unset!important;display:none!important;position:static!important;font-size:60px!important;color:red!important}
html,body,main,article,h1,p,em,a,b{display:block!important}iframe,button,div{visibility:hidden!important;width:0!important}</style>"""


def story(bot: str, head: str = "", attributes: str = "", body: str = STORY) -> str:
    return (
        f"<!doctype html><html lang=en><head><title>Skerry</title>{head}</head><body><nav>Menu Home</nav><main>{body}</main>"
        f'<script async src="{bot}/widget.js" {attributes}></script></body></html>'
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not chromium() and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to run the browser tests")
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        running_browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield running_browser
        running_browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, dict[str, tuple[str, dict[str, str]]]]]:
    """The bot's origin, a publisher's origin, and the publisher's pages."""
    contents: dict[str, tuple[str, dict[str, str]]] = {}
    with pages(contents) as news:
        settings = Settings(allowed_origins=(news,), rate_per_minute=0)
        with running(small_corpus(tmp_path_factory.mktemp("widget")), settings) as (bot, _):
            contents["/resets"] = (story(bot, RESETS), {})
            policy = f"default-src 'self'; script-src {bot}; frame-src {bot}; style-src 'self'; require-trusted-types-for 'script'"
            contents["/strict"] = (story(bot), {"Content-Security-Policy": policy})
            contents["/plain"] = (story(bot), {})
            contents["/slug"] = (story(bot, attributes="data-article=museum"), {})
            contents["/all"] = (story(bot, attributes="data-article=all data-starters='Who was she?|When?' data-lang=de data-theme=dark data-position=left"), {})
            contents["/inline"] = (story(bot, attributes="data-mode=inline"), {})
            contents["/teasers"] = (story(bot, body="<p>Nothing here.</p>"), {})
            yield bot, news, contents


@pytest.fixture
def page(browser: Browser, site: tuple[str, str, object]) -> Iterator[Page]:
    """A page that may ask nothing of any machine but the two, and whose scripts may not fail."""
    fresh = browser.new_page(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
    fresh.set_default_timeout(SLOW)
    asked: list[str] = []
    faults: list[str] = []
    fresh.on("request", lambda request: asked.append(request.url))
    fresh.on("pageerror", lambda error: faults.append(str(error)))
    fresh.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
    yield fresh
    outside = [u for u in asked if urlsplit(u).scheme != "data" and urlsplit(u).netloc not in {urlsplit(o).netloc for o in site[:2]}]
    assert asked and outside == []
    assert faults == []
    assert fresh.context.cookies() == []
    fresh.context.close()


def opened(page: Page, url: str) -> FrameLocator:
    page.goto(url)
    page.wait_for_function("window.ArticleChat")
    page.locator("article-chat button").first.click()
    return page.frame_locator("article-chat iframe")


def ask(panel: FrameLocator, question: str) -> None:
    turns = panel.locator(".turn").count()
    panel.locator("#question").fill(question)
    panel.locator("#question").press("Enter")
    expect(panel.locator(".turn")).to_have_count(turns + 1)
    expect(panel.locator("#log")).to_have_attribute("aria-busy", "false")


def marked(page: Page) -> str:
    """The text that the highlight covers, without soft hyphens."""
    page.wait_for_function("CSS.highlights.has('article-chat')")
    return str(page.evaluate("[...CSS.highlights.get('article-chat')].map(String).join('|').replace(/\\u00ad/g, '')"))


def in_sight(page: Page) -> bool:
    return bool(page.evaluate(
        "(() => { const r = [...CSS.highlights.get('article-chat')][0].getBoundingClientRect();"
        " return r.height > 0 && r.top >= 0 && r.bottom <= innerHeight })()"
    ))  # fmt: skip


@pytest.mark.parametrize("path", ["/plain", "/resets", "/strict"])
def test_a_citation_marks_its_sentence_on_the_page_whatever_the_page_is_like(page: Page, site: tuple[str, str, object], path: str) -> None:
    panel = opened(page, site[1] + path)
    box = page.locator("article-chat .panel").bounding_box()
    assert box and box["width"] == 400 and box["height"] > 400
    before = page.evaluate("document.querySelector('main').outerHTML")
    ask(panel, "When was the lighthouse lit for the first time?")
    cite = panel.locator(".cite").first
    expect(panel.locator("blockquote").first).to_contain_text("lit for the first time in 1844")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    cite.click()
    quote = cite.get_attribute("title")
    assert quote and " ".join(marked(page).replace("\xa0", " ").split()) == quote
    assert in_sight(page)
    expect(cite).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.querySelector('main').outerHTML") == before  # no DOM change
    color = page.evaluate("getComputedStyle(document.querySelector('article p'), '::highlight(article-chat)').backgroundColor")
    assert color == "rgb(255, 223, 128)"
