# ruff: noqa: F401, F811  (fixtures are imported, and asked for by their names)
"""Hostile text as article, title, question and file name, on the embed and the demo: no script runs, with the
Content-Security-Policy and without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from rag.build import posted_folder
from rag.frontmatter import write_corpus
from rag.types import Article
from tests.chat_page import browser
from tests.web import ROOMY, replace, running, small_corpus, until
from ui.posted import posted_article
from ui.screenshot import CHROMIUM_ARGUMENTS, chromium
from ui.widget.pages import demo_page

RUN = "window.pwned=1"
TAGS = (
    "img src=x onerror", "svg onload", "body onload", "video src=x onerror", "audio src=x onerror", "iframe onload",
    "input autofocus onfocus", "select autofocus onfocus", "textarea autofocus onfocus", "details open ontoggle",
    "marquee onstart", "button autofocus onfocus", "object data=x onerror", "embed src=x onload", "style onload",
    "link rel=stylesheet href=x onerror", "a href=# onclick", "p onmouseover", "div contenteditable autofocus onfocus",
    "math tabindex=0 autofocus onfocus", "keygen autofocus onfocus", "isindex onfocus", "image src=x onerror", "form onsubmit",
)  # fmt: skip
FRAMES = (
    "<{0}={1}>", '"><{0}={1}>', "'><{0}={1}>", "</p></section><{0}={1}>", "<{0}='{1}'/>", "<{0}\n=\t{1}\n>", "<<{0}={1}//<",
    "--><{0}={1}>", "]]><{0}={1}>", "</title></textarea></style><{0}={1}>", "`><{0}={1}>",
)  # fmt: skip
WHOLE = (
    f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", f"<scr<script>ipt>{RUN}</script>", f"<SCRIPT>{RUN}</SCRIPT>",
    f"<script/x>{RUN}</script>", f"<script src=data:,{RUN}></script>", f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=\"javascript:parent.{RUN}\"></iframe>", f"<a href=\"javascript:{RUN}\">press</a>", f"[press](javascript:{RUN})",
    f"![x](x\" onerror=\"{RUN})", f"<svg><script>{RUN}</script></svg>", f"<svg><a xlink:href=\"javascript:{RUN}\"><text y=9>x</text></a></svg>",
    f"<math><mi xlink:href=\"javascript:{RUN}\">x</mi></math>", f"<form action=\"javascript:{RUN}\"><button>go</button></form>",
    f"<object data=\"javascript:{RUN}\"></object>", f"<base href=\"javascript:{RUN}//\">", f"<meta http-equiv=refresh content=\"0;url=javascript:{RUN}\">",
    f"javascript:{RUN}", f"data:text/html,<script>{RUN}</script>", f"{{{{constructor.constructor('{RUN}')()}}}}", f"${{{RUN}}}", f"#{{{RUN}}}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;", f"&#60;img src=x onerror={RUN}&#62;", f"\\u003cimg src=x onerror={RUN}\\u003e", f"%3Cscript%3E{RUN}%3C/script%3E",
    f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\">", f"<template><img src=x onerror={RUN}></template>",
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror={RUN}&gt;\">",
    f"<svg></p><style><a id=\"</style><img src=x onerror={RUN}>\">", f"<x style=\"animation-name:x\" onanimationstart=\"{RUN}\">",
    f"<style>@keyframes x{{}}</style><x style=animation-name:x onanimationend={RUN}>", f"<a href=\"data:text/html,<script>opener.{RUN}</script>\" target=_blank>x</a>",
    f"```mermaid\nclick A \"javascript:{RUN}\"\n```", f"$\\href{{javascript:{RUN}}}{{x}}$", f"<img src=\"x`{RUN}`\">", f"\u2028<img src=x onerror={RUN}>",
    f"＜img src=x onerror={RUN}＞", f"<img src=x:x onerror\x0b={RUN}>", f"\x00<img src=x onerror={RUN}>", f"<a\u202e href=javascript:{RUN}>x</a>",
)  # fmt: skip
PAYLOADS = [frame.format(tag, RUN) for frame, tag in product(FRAMES, TAGS)] + list(WHOLE)
AT_ONCE = 40


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 300


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A server that holds every payload in articles, as text and as titles, and the articles' slugs."""
    config = small_corpus(tmp_path_factory.mktemp("xss"))
    posted = []
    for i in range(0, len(PAYLOADS), AT_ONCE):
        part = PAYLOADS[i : i + AT_ONCE]
        text = "\n\n".join(f"Plate number {i + n} reads {payload} to this day." for n, payload in enumerate(part))
        posted.append(posted_article(f"Plates {part[0]} and {part[-1]}.html", text, ""))
    write_corpus(posted, posted_folder(config))  # one build for all of them
    with running(config, replace(ROOMY, max_posted=50)) as (url, _):
        yield url, [article.id for article in posted]


@pytest.fixture(params=["with the policy", "without it"])
def page(request: pytest.FixtureRequest, browser: Browser, bot: tuple[str, list[str]]) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=request.param == "without it", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("dialog", lambda d: d.accept())
    yield page
    outside = [u for u in asked if urlsplit(u).scheme != "data" and urlsplit(u).netloc != urlsplit(bot[0]).netloc]
    assert asked and outside == []
    context.close()


def check_nothing_ran(page: Page) -> None:
    for frame in page.frames:
        assert frame.evaluate("window.pwned") is None


def click_everything(page: Page) -> None:
    """Every element of the shown text, hovered and clicked, as events of its own would need."""
    page.evaluate(
        "document.querySelectorAll('#log *, article *').forEach(e => { if (!e.closest('a[href^=http]'))"
        " for (const n of ['mouseover', 'focus', 'click']) e.dispatchEvent(new MouseEvent(n, {bubbles: true, cancelable: true})) })"
    )


def test_the_demo_shows_hostile_articles_as_text(page: Page, bot: tuple[str, list[str]]) -> None:
    shown = ""
    for slug in bot[1]:
        page.goto(f"{bot[0]}/demo?article={slug}")
        assert page.locator("article :is(script, img, svg, iframe, a, form, input, style)").count() == 0
        click_everything(page)
        check_nothing_ran(page)
        shown += page.inner_text("article") + page.title()
    assert shown.count("window.pwned") >= len(PAYLOADS)  # they are there, and did nothing


def test_the_panel_shows_hostile_answers_and_questions_as_text(page: Page, bot: tuple[str, list[str]]) -> None:
    for n, slug in enumerate(bot[1]):
        page.goto(f"{bot[0]}/embed?article={slug}")
        asked = ["Summarize the article", *PAYLOADS[n * AT_ONCE : n * AT_ONCE + 4]]
        for turn, question in enumerate(asked):
            page.fill("#question", question)
            page.press("#question", "Enter")
            until(page, "n => document.querySelectorAll('.turn').length > n && document.querySelector('#log').ariaBusy === 'false'", turn)
        assert page.locator("#log :is(script, img, svg, iframe, form, input, style, b, x)").count() == 0
        click_everything(page)
        check_nothing_ran(page)
        assert "window.pwned" in page.inner_text("#log blockquote >> nth=0")


def test_every_payload_is_text_in_every_place_of_an_answer(page: Page, bot: tuple[str, list[str]]) -> None:
    """The server's answers replaced by hostile ones: each payload as question, quote, short answer, notice, query."""
    payloads = iter(range(0, len(PAYLOADS), 60))
    page.goto(f"{bot[0]}/embed")
    part: list[str] = []

    def hostile(route: object) -> None:
        import json

        cites = [
            {"number": i, "article": p, "start": 0, "end": 1, "quote": p, "prefix": p, "suffix": p} for i, p in enumerate(part)
        ]
        text = " ".join(f"{p} [{i}]" for i, p in enumerate(part)) + " and more"
        answer = {
            "question": part[0], "query": part[1], "short": part[2], "text": text, "refused": False, "confidence": 0.1,
            "citations": cites, "nearest": None, "passages": [], "notice": part[3],
        }  # fmt: skip
        refusal = {**answer, "refused": True, "text": part[4], "nearest": {**cites[5], "number": 0}}
        body = "".join(f"event: snapshot\ndata: {json.dumps(a)}\n\n" for a in (refusal, answer)) + "event: done\ndata: {}\n\n"
        route.fulfill(body=body, headers={"Content-Type": "text/event-stream"})  # type: ignore[attr-defined]

    page.route("**/api/ask", hostile)
    for turn, i in enumerate(payloads):
        part = PAYLOADS[i : i + 60]
        page.fill("#question", "Who?")
        page.press("#question", "Enter")
        until(page, "n => document.querySelectorAll('.turn').length > n && document.querySelector('#log').ariaBusy === 'false'", turn)
    assert page.locator("#log .fault").count() == 0
    assert page.locator("#log :is(script, img, svg, iframe, form, input, style, a)").count() == 0
    click_everything(page)
    check_nothing_ran(page)
    assert page.inner_text("#log").count("window.pwned") >= len(PAYLOADS)


def test_a_hostile_title_or_publisher_does_not_leave_its_place() -> None:
    for payload in PAYLOADS:
        article = Article("x", payload, f"{payload}\n\n{payload}.", metadata={"publisher": payload, "byline": payload, "published": payload})
        html = demo_page(article, [Article("y", payload, payload)])
        assert html.count("<script") == 1 and "<img" not in html and "<svg" not in html and "onerror=window" not in html.replace("&gt;", "").split("<body")[0].split("<title>")[0]
