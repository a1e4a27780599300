# ruff: noqa: F401, F811  (fixtures are imported, and asked for by their names)
"""The widget in a real browser, on publishers' pages from another origin than the bot's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.chat_page import browser
from tests.web import pages, running, small_corpus, until
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
    until(page, "window.ArticleChat")
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
    until(page, "CSS.highlights.has('article-chat')")
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


def test_typographic_quotes_and_markup_inside_the_sentence_do_not_hide_it(page: Page, site: tuple[str, str, object]) -> None:
    opened(page, site[1] + "/plain")
    found = page.evaluate_handle("window.ArticleChat")
    assert found
    # the corpus' text of the same sentence: straight quotes, two hyphens, other spaces
    exact = '"Nobody  slept that night," said Ada Morrow, the keeper\'s daughter -- she was twelve then.'
    assert cited(page, exact) == "“Nobody slept that night,” said Ada Morrow, the keeper’s daughter — she was twelve then."


def cited(page: Page, exact: str, prefix: str = "", suffix: str = "") -> str:
    """What is marked when the panel cites this, straight from its window."""
    page.frame_locator("article-chat iframe").locator(".starters button").first.wait_for()
    frame = next(f for f in page.frames if "/embed" in f.url)
    frame.evaluate(
        "([exact, prefix, suffix]) => parent.postMessage({ns: 'article-chat', v: 1, type: 'cite', id: 0, exact, prefix, suffix},"
        " new URLSearchParams(location.search).get('host'))",
        [exact, prefix, suffix],
    )
    return marked(page)


def test_of_two_equal_sentences_the_one_with_the_right_neighbours_is_marked(page: Page, site: tuple[str, str, object]) -> None:
    opened(page, site[1] + "/plain")
    for prefix, suffix, first in (("", " The harbour paid", True), ("crowns to mend it. ", "", False)):
        assert cited(page, "A storm broke the lantern in 1871.", prefix, suffix) == "A storm broke the lantern in 1871."
        offset = page.evaluate("[...CSS.highlights.get('article-chat')][0].startOffset")
        assert (offset == 0) == first


def test_a_message_of_another_window_or_another_shape_does_nothing(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[1] + "/plain")
    expect(panel.locator("#question")).to_be_focused()
    page.evaluate("postMessage({ns: 'article-chat', v: 1, type: 'cite', id: 1, exact: 'The tower was painted red in 1902.'}, '*')")
    frame = next(f for f in page.frames if "/embed" in f.url)
    for message in ("{ns: 'other', v: 1, type: 'close'}", "{ns: 'article-chat', v: 2, type: 'close'}", "{ns: 'article-chat', v: 1, type: 'constructor'}", "null", "'close'"):
        frame.evaluate(f"parent.postMessage({message}, new URLSearchParams(location.search).get('host'))")
    frame.evaluate("postMessage({ns: 'article-chat', v: 1, type: 'ask', question: 'Who?'}, location.origin)")
    page.wait_for_timeout(300)
    assert not page.evaluate("CSS.highlights.has('article-chat')")
    expect(page.locator("article-chat .panel")).to_be_visible()
    assert panel.locator(".turn").count() == 0


def test_a_sentence_that_the_page_no_longer_has_is_a_quiet_notice(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[1] + "/slug")  # the museum's article, which this page does not hold
    ask(panel, "How much does entry to the museum cost?")
    panel.locator(".cite").first.click()
    expect(panel.locator(".gone")).to_contain_text("The page no longer has this sentence.")
    assert not page.evaluate("CSS.highlights.has('article-chat')")


def test_a_sentence_of_another_page_is_a_link_with_a_text_fragment(page: Page, site: tuple[str, str, object]) -> None:
    text = "The ferry sails at seven. Its captain, Marta Berg-Lund, steers it for the nineteenth year in a row, come wind or rain or snow."
    page.goto(site[0] + "/embed")  # one of the bot's own pages posts it
    made = page.evaluate(
        "([text, url]) => fetch('api/articles', {method: 'POST', headers: {'Content-Type': 'application/json'},"
        " body: JSON.stringify({title: 'The ferry', text, url})}).then(r => r.json())",
        [text, site[1] + "/ferry"],
    )
    panel = opened(page, site[1] + "/all")
    ask(panel, "At what time does the ferry sail?")
    cite = panel.locator(".cite").first
    assert made["status"] == "indexed"
    cite.click()
    link = panel.locator(".gone a")
    expect(link).to_have_attribute("href", f"{site[1]}/ferry#:~:text=The%20ferry%20sails%20at%20seven.,-Its%20captain%2C%20Marta")
    assert link.get_attribute("target") == "_blank" and link.get_attribute("rel") == "noopener"


def test_lang_theme_position_and_starters_are_as_the_page_says(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[1] + "/all")
    expect(page.locator("article-chat button")).to_have_text("Frag den Artikel")
    expect(panel.locator(".starters button")).to_have_text(["Who was she?", "When?"])
    expect(panel.locator("#send")).to_have_text("Fragen")
    assert panel.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(28, 30, 34)"
    box = page.locator("article-chat .panel").bounding_box()
    assert box and box["x"] == 16


def test_the_keyboard_is_enough_and_focus_returns(page: Page, site: tuple[str, str, object]) -> None:
    page.goto(site[1] + "/plain")
    until(page, "window.ArticleChat")
    launcher = page.locator("article-chat button")
    launcher.focus()
    page.keyboard.press("Enter")
    panel = page.frame_locator("article-chat iframe")
    expect(panel.locator("#question")).to_be_focused()
    assert page.locator("article-chat .panel").get_attribute("role") == "dialog"
    expect(launcher).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("When was the tower painted red?")
    page.keyboard.press("Enter")
    cite = panel.locator(".cite").first
    expect(cite).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(cite).to_be_focused()
    page.keyboard.press("Enter")
    assert marked(page) == "The tower was painted red in 1902."
    page.keyboard.press("Escape")
    expect(page.locator("article-chat .panel")).to_be_hidden()
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")


def test_on_a_phone_the_panel_is_the_screen_and_a_citation_uncovers_the_page(page: Page, site: tuple[str, str, object]) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    panel = opened(page, site[1] + "/plain")
    box = page.locator("article-chat .panel").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    ask(panel, "When was the tower painted red?")
    assert panel.locator("html").evaluate("e => e.scrollWidth") == 390
    panel.locator(".cite").first.click()
    assert marked(page) == "The tower was painted red in 1902." and in_sight(page)
    expect(page.locator("article-chat .panel")).to_be_hidden()
    expect(page.locator("article-chat .note")).to_have_text("Marked on the page")


def test_a_single_page_app_swaps_the_article_under_the_widget(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[1] + "/plain")
    ask(panel, "When was the tower painted red?")
    expect(panel.locator("blockquote")).to_contain_text("1902")
    page.evaluate(
        "html => { history.pushState({}, '', '/second'); document.body.querySelector('main').innerHTML = html }",
        "<article><h1>A new bridge</h1><p>The bridge over the sound was opened on Sunday by the mayor, Tove Lind.</p>"
        + "<p>It is 840 metres long and took seven years to build, two more than planned.</p>" * 5 + "</article>",
    )  # fmt: skip
    expect(panel.locator(".divider")).to_have_text("Now about: A new bridge")
    ask(panel, "Who opened the bridge?")
    cite = panel.locator(".turn").last.locator(".cite").first
    cite.click()
    assert marked(page) == "The bridge over the sound was opened on Sunday by the mayor, Tove Lind."


def test_the_javascript_api_opens_asks_tells_and_leaves_nothing_behind(page: Page, site: tuple[str, str, object]) -> None:
    page.goto(site[1] + "/plain")
    until(page, "window.ArticleChat")
    page.evaluate("window.told = []; for (const n of ['open', 'ask', 'answer', 'cite', 'close']) ArticleChat.on(n, (d) => told.push([n, d]))")
    page.evaluate("ArticleChat.ask('When was the tower painted red?')")
    until(page, "told.some(([n]) => n === 'answer')")
    page.frame_locator("article-chat iframe").locator(".cite").first.click()
    marked(page)
    page.evaluate("ArticleChat.close()")
    assert [n for n, _ in page.evaluate("told")] == ["open", "ask", "answer", "cite", "close"]
    assert page.evaluate("told[2][1].citations[0].quote") == "The tower was painted red in 1902."
    page.evaluate("document.head.append(Object.assign(document.createElement('script'), {src: document.querySelector('script[src*=widget]').src}))")
    page.wait_for_timeout(300)
    assert page.locator("article-chat").count() == 1  # idempotent
    page.evaluate("ArticleChat.destroy()")
    assert page.evaluate("[document.querySelectorAll('article-chat').length, 'ArticleChat' in window, CSS.highlights.size, document.adoptedStyleSheets.length]") == [0, False, 0, 0]


def test_inline_stands_in_the_page_and_grows_with_its_answers(page: Page, site: tuple[str, str, object]) -> None:
    page.goto(site[1] + "/inline")
    panel = page.frame_locator("article-chat iframe")
    expect(panel.locator(".starters button").first).to_be_visible()
    assert page.evaluate("document.querySelector('article-chat').previousElementSibling.tagName") == "SCRIPT"
    expect(page.locator("article-chat button")).to_be_hidden()
    ask(panel, "Summarize the article")
    assert page.locator("article-chat .panel").evaluate("e => e.clientHeight") > 300
    page.keyboard.press("Escape")
    expect(page.locator("article-chat .panel")).to_be_visible()


def test_a_page_without_an_article_is_told_so(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[1] + "/teasers")
    ask(panel, "Who?")
    expect(panel.locator(".fault")).to_have_text("There is no article on this page to ask about.")


def test_a_site_that_is_not_allowed_can_not_frame_the_panel(browser: Browser, site: tuple[str, str, dict[str, tuple[str, dict[str, str]]]]) -> None:
    with pages({"/": (story(site[0]), {})}) as other:
        page = browser.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        opened(page, other + "/")
        page.wait_for_timeout(1000)
        assert any("frame-ancestors" in text for text in refused)
        page.context.close()


def test_the_demo_is_a_news_page_whose_sentences_the_widget_marks(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[0] + "/demo")
    expect(page.locator("h1")).to_have_text("The harbour of Lund")
    ask(panel, "Who lit the first lamp?")
    panel.locator(".cite").first.click()
    assert marked(page) == "Captain Ida Holm lit the first lamp."


def test_a_refusal_looks_like_one_and_offers_the_nearest_sentence(page: Page, site: tuple[str, str, object]) -> None:
    panel = opened(page, site[0] + "/demo")
    ask(panel, "Which team won the football world cup in Brazil?")
    expect(panel.locator(".refusal .says")).to_have_text("The article doesn't say.")
    panel.locator(".refusal .cite").click()
    assert marked(page) == panel.locator(".refusal .cite").get_attribute("title")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_embed_demo_and_docs(browser: Browser, site: tuple[str, str, object], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(SLOW)
    for path in ("/embed", "/demo", "/docs"):
        page.goto(site[0] + path)
        if path == "/embed":
            for question in ("Who lit the first lamp?", "Which team won the football world cup in Brazil?", "?!"):
                page.fill("#question", question)
                page.press("#question", "Enter")
                expect(page.locator(".turn").last.locator(".refusal, blockquote, .fault").first).to_be_visible()
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(path, v["id"], v["nodes"][0]["html"][:80]) for v in found if v["impact"] in ("serious", "critical")] == []
    page.context.close()


def test_the_script_is_small_and_asks_for_nothing_until_it_is_opened(page: Page, site: tuple[str, str, object]) -> None:
    import gzip

    assert len(gzip.compress(Path("ui/widget/widget.js").read_bytes())) < 15_000
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(site[1] + "/plain")
    until(page, "window.ArticleChat")
    assert asked == ["/plain", "/widget.js"]
