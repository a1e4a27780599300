# ruff: noqa: F401, F811  (fixtures are imported, and asked for by their names)
"""What one can do with answers and articles in the chat, from the mouse and from the keyboard alone; who can read it;
and that nothing typed, pasted or named is ever run."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from eval.formats import load_set
from tests.chat_page import (
    BEES_TITLE,
    FERRY,
    FERRY_TITLE,
    SLOW,
    SUMMARIZE,
    browser,
    chat,
    check_marked,
    choose,
    desk,
    enter,
    home,
    page,
    phone,
    pocket,
    quote_of,
    turn,
)
from tests.payloads import PAYLOADS, RUN
from ui.screenshot import ask

WHO, HOW_LONG = "Who is the captain of the ferry?", "How long has she steered it?"
BREAD = """Bread at home

Steam makes the crust crisp by keeping the surface moist during the first minutes. The dough rests for twelve hours in
a cool room, and the oven is heated to 240 degrees.

Isidore Boudin, a baker from Burgundy, founded the Boudin Bakery in 1849. The bakery still uses his starter."""


@pytest.fixture(scope="module")
def settings(home: Path) -> dict[str, str]:
    return {
        "RAG_CORPUS": str(home / "corpus"),
        "RAG_INDEX": str(home / "index"),
        "RAG_FEEDBACK": str(home / "feedback.jsonl"),
    }


def asked(page: Page) -> list[str]:
    return page.locator("#turns .asked").all_inner_texts()


def act(page: Page, at: int, action: str) -> None:
    turn(page, at).locator(f"[data-action={action}]").click()


def submit(page: Page, text: str) -> None:
    page.fill("#ask textarea", text)
    page.keyboard.press("Enter")


def test_opening_an_article_shows_a_cited_summary_and_questions(page: Page) -> None:
    page.wait_for_selector("#guide [data-ready=true]")
    cites = page.locator("#guide .summary .cite")
    assert cites.count() >= 2
    cites.last.click()
    check_marked(page, cites.last, FERRY)
    assert page.locator("#guide .starter").all_inner_texts()[:2] == [
        "Who is Marta Berg?",
        "How much did the repairs cost?",
    ]
    choose(page, BEES_TITLE)
    expect(page.locator("#guide .about")).to_have_text(f"“{BEES_TITLE}”")
    page.wait_for_selector("#guide [data-scope='2-bees'][data-ready=true]")


def test_a_citation_shows_its_quote_on_hover_and_on_keyboard_focus(page: Page) -> None:
    ask(page, SUMMARIZE)
    first, tip = turn(page, 0).locator(".cite").first, page.locator("#tip")
    expect(tip).to_be_hidden()
    first.hover()
    expect(tip).to_have_text(quote_of(first))
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    page.focus("#log")
    page.keyboard.press("Tab")
    expect(tip).to_have_text(quote_of(first))
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_edit_asks_again_from_that_turn_on(page: Page) -> None:
    ask(page, WHO)
    ask(page, HOW_LONG)
    act(page, 0, "edit")
    assert page.input_value("#ask textarea") == WHO
    expect(page.locator("#editing")).to_contain_text("What came after it goes")
    page.keyboard.press("Escape")
    expect(page.locator("#editing")).to_be_hidden()
    assert page.input_value("#ask textarea") == ""
    act(page, 0, "edit")
    submit(page, "How much did the repairs cost?")
    expect(page.locator("#turns .asked")).to_have_text(["How much did the repairs cost?"])
    expect(turn(page, 0)).to_contain_text("4.2 million kroner")
    expect(page.locator("#editing")).to_be_hidden()
    ask(page, "What does it leave at noon?")
    assert len(asked(page)) == 2


def test_what_was_searched_for_can_be_changed_and_is_then_asked_alone(page: Page) -> None:
    ask(page, WHO)
    ask(page, HOW_LONG)
    expect(turn(page, 1).locator(".searched q")).to_have_text(f"{WHO} {HOW_LONG}")
    act(page, 1, "edit-query")
    assert page.input_value("#ask textarea") == f"{WHO} {HOW_LONG}"
    submit(page, "For how many years has she steered the ferry?")
    expect(page.locator("#turns .asked")).to_have_text([WHO, "For how many years has she steered the ferry?"])
    expect(page.locator("#turns .turn:not(.pending)")).to_have_count(2)
    assert page.locator("#turns .searched").count() == 0


def test_retry_asks_the_same_in_the_article_that_is_chosen_now(page: Page) -> None:
    ask(page, SUMMARIZE)
    choose(page, BEES_TITLE)
    act(page, 0, "retry")
    expect(turn(page, 0).locator(".cite[data-article='2-bees']").first).to_be_visible()
    assert asked(page) == [SUMMARIZE]


def test_copy_and_export_hold_the_quotes_and_their_places(page: Page, desk: BrowserContext) -> None:
    desk.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator("[data-action=export]")).to_have_attribute("aria-disabled", "true")
    ask(page, SUMMARIZE)
    act(page, 0, "copy")
    expect(turn(page, 0).locator("[data-action=copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    quote = quote_of(turn(page, 0).locator(".cite").first)
    assert copied.startswith(f"**{SUMMARIZE}**\n\n> {quote} [1]") and f"[1] “{FERRY_TITLE}”, characters " in copied
    ask(page, "Who won the world cup in Brazil?")
    with page.expect_download() as saved:
        page.click("[data-action=export]")
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert saved.value.suggested_filename == "conversation.md"
    assert copied in text and "The closest sentence in it:" in text


def test_a_conversation_outlives_a_reload_and_a_new_chat_until_it_is_forgotten(page: Page) -> None:
    ask(page, WHO)
    page.reload()
    page.wait_for_selector("body.ready", state="attached")
    expect(page.locator("#turns .asked")).to_have_text([WHO])
    cite = turn(page, 0).locator(".cite").first
    cite.click()
    check_marked(page, cite, FERRY)
    page.click("#new")
    expect(page.locator("#turns .turn")).to_have_count(0)
    page.locator("#guide .earlier").get_by_text(WHO).first.click()
    expect(page.locator("#turns .asked")).to_have_text([WHO])
    ask(page, HOW_LONG)
    expect(turn(page, 1).locator(".searched")).to_contain_text("captain")  # the history came back too
    page.click("#new")
    page.click("text=Forget these")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.reload()
    page.wait_for_selector("body.ready", state="attached")
    expect(page.locator("#guide .welcome")).to_be_visible()
    assert page.locator(".earlier button, #turns .turn").count() == 0


def test_storage_that_holds_something_else_is_no_harm(page: Page) -> None:
    page.evaluate(
        "localStorage.setItem('ask-the-article', JSON.stringify([{id: 'x', asked: '<b>', keep: '{}'}, 7, null]));"
        "sessionStorage.setItem('ask-the-article', 'x')"
    )
    page.reload()
    page.wait_for_selector("body.ready", state="attached")
    expect(page.locator(".earlier button").first).to_have_text("<b>")
    ask(page, WHO)
    assert asked(page) == [WHO]
    page.evaluate("localStorage.clear()")


def test_a_thumb_becomes_an_evaluation_row(page: Page, home: Path) -> None:
    ask(page, "How much did the repairs cost?")
    act(page, 0, "good")
    expect(turn(page, 0).locator("[data-action=good]")).to_have_attribute("aria-pressed", "true")
    ask(page, WHO)
    expect(turn(page, 0).locator("[data-action=good]")).to_have_attribute("aria-pressed", "true")
    act(page, 1, "bad")
    deadline = time.monotonic() + SLOW / 1000
    while not (home / "feedback.jsonl").exists() or (home / "feedback.jsonl").read_text().count("\n") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    up, down = load_set(home / "feedback.jsonl").examples
    assert (up.question, up.answerable, up.article) == ("How much did the repairs cost?", True, "1-ferry")
    assert "4.2 million kroner" in up.evidence[0].text
    assert (down.question, down.history) == (WHO, ("How much did the repairs cost?",)) and "to-check" in down.tags


def add(page: Page, text: str = "", title: str = "", file: Path | None = None) -> None:
    page.click("#bar [data-action=open-add]")
    page.fill("#add-text", text)
    page.fill("#add-name", title)
    if file:
        page.set_input_files("#add-file", file)
    page.click("[data-action=add]")


def test_a_pasted_article_can_be_asked_at_once(page: Page, home: Path) -> None:
    add(page, BREAD)
    expect(page.locator("#article h1")).to_have_text("Bread at home")
    expect(page.locator("#add")).to_be_hidden()
    assert page.input_value("#scope input") == "Bread at home"
    expect(page.locator("#guide .about")).to_have_text("“Bread at home”")
    ask(page, "Who founded the Boudin Bakery?")
    cite = turn(page, 0).locator(".cite").first
    cite.click()
    check_marked(page, cite, BREAD)
    assert "Isidore Boudin" in quote_of(cite)
    assert [f.name for f in sorted((home / "corpus").glob("*.md"))] == ["1-ferry.md", "2-bees.md"]  # apart from it


def test_a_file_is_taken_in_and_a_bad_one_says_what_is_wrong(page: Page, tmp_path: Path) -> None:
    picture, notes = tmp_path / "pic.txt", tmp_path / "notes.md"
    picture.write_bytes(b"\x89PNG\x00\x00\x00")
    notes.write_text(f"# Notes on bread\n\n{BREAD}\n", encoding="utf-8")
    add(page, file=picture)
    expect(page.locator("#add-state .fault")).to_contain_text("pic.txt is a binary file")
    assert str(tmp_path) not in page.inner_text("#add-state") and "/tmp" not in page.inner_text("#add-state")
    page.set_input_files("#add-file", notes)
    page.click("[data-action=add]")
    expect(page.locator("#article h1")).to_have_text("Notes on bread")


def test_a_file_dropped_on_the_page_opens_the_form(page: Page) -> None:
    page.evaluate(
        "const data = new DataTransfer(); data.items.add(new File(['Text. More text.'], 'dropped.txt'));"
        "document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))"
    )
    expect(page.locator("#add")).to_be_visible()
    expect(page.locator("#add .drop")).to_contain_text("dropped.txt")
    page.keyboard.press("Escape")
    expect(page.locator("#add")).to_be_hidden()


def test_an_empty_form_and_a_page_that_lies_get_one_line(page: Page) -> None:
    add(page)
    expect(page.locator("#add-state .fault")).to_have_text("Paste the text of an article, or choose a file.")
    for sent in (
        "{",
        "[]",
        '{"text": " "}',
        '{"data": "%%%"}',
        '{"job": "none"}',
        json.dumps({"text": "a " * 1_500_000}),
    ):
        page.evaluate(
            "text => { const box = document.querySelector('#bring textarea, #bring input'); box.value = text;"
            "box.dispatchEvent(new Event('input', {bubbles: true})) }",
            sent,
        )
        expect(page.locator("#add-state .fault")).to_have_text(re.compile("(again|alone|no text yet)"))
        page.evaluate("document.querySelector('#add-state').replaceChildren()")


def test_everything_works_from_the_keyboard_alone(page: Page) -> None:
    """From the question box: ask, reach the citation with Tab, follow it, come back, start a new chat."""
    page.focus("#ask textarea")
    page.keyboard.type("How much did the repairs cost?")
    page.keyboard.press("Enter")
    expect(turn(page, 0).locator(".cite").first).to_be_visible()
    expect(page.locator("#turns .pending")).to_have_count(0)
    reached = []
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        reached.append(page.evaluate("document.activeElement.className || document.activeElement.id"))
        if reached[-1] == "cite":
            break
    assert reached[-1] == "cite" and "tool" in reached
    page.keyboard.press("Enter")
    check_marked(page, turn(page, 0).locator(".cite").first, FERRY)
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.innerText?.trim()") == "New chat":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#turns .turn")).to_have_count(0)
    hidden = "[...document.querySelectorAll('#wires *, #log-data *')].filter(e => e.checkVisibility()).length"
    assert page.evaluate(hidden) == 0


def test_an_answer_that_grows_moves_nothing_above_it(page: Page) -> None:
    ask(page, WHO)
    page.evaluate(
        "window.tops = []; const look = () => { const q = document.querySelectorAll('#turns .question')[1];"
        "if (q) window.tops.push(Math.round(q.getBoundingClientRect().top)); window.looking = requestAnimationFrame(look) };"
        "look()"
    )
    ask(page, SUMMARIZE)
    tops = page.evaluate("cancelAnimationFrame(window.looking), window.tops")
    assert len(tops) > 2 and len(set(tops[1:])) == 1


def test_no_width_from_390_to_1920_pixels_scrolls_sideways(page: Page) -> None:
    ask(page, SUMMARIZE)
    for width in (390, 640, 899, 900, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        for pane in ("document.documentElement", "document.querySelector('#log')", "document.querySelector('#read')"):
            assert page.evaluate(f"{pane}.scrollWidth <= {pane}.clientWidth"), (width, pane)
        box = page.locator("#ask textarea").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 800


@pytest.mark.parametrize("shown", ["start", "answers", "add", "phone"])
def test_axe_finds_no_serious_violation(page: Page, phone: Page, shown: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    looked = phone if shown == "phone" else page
    if shown in ("answers", "phone"):
        ask(looked, SUMMARIZE)
        ask(looked, "Which team won the football world cup in Brazil?")
    if shown == "phone":
        turn(phone, 0).locator(".cite").first.click()
    if shown == "add":
        page.click("#bar [data-action=open-add]")
    found = Axe().run(looked).response["violations"]
    serious = [
        (v["id"], v["help"], [n["html"][:150] for n in v["nodes"]])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


def packed(payloads: list[str], most: int) -> list[str]:
    """The payloads in as few texts as hold them, none longer than `most`."""
    texts = [""]
    for payload in payloads:
        if len(texts[-1]) + len(payload) + 1 > most:
            texts.append("")
        texts[-1] = f"{texts[-1]} {payload}".strip()
    return texts


def test_no_payload_in_question_article_title_or_file_name_runs(page: Page, tmp_path: Path) -> None:
    assert len(set(PAYLOADS)) >= 130
    told: list[str] = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: told.append(request.url) if "/pwned" in request.url else None)
    titles = packed(PAYLOADS, 290)
    for at in (0, len(titles) // 2):
        add(page, "\n\n".join(f"Sentence {n} says {p} here." for n, p in enumerate(packed(PAYLOADS, 300))), titles[at])
        expect(page.locator("#add")).to_be_hidden()
        expect(page.locator("#article h1")).to_contain_text(titles[at][:20].strip().split("\n")[0])
    named = tmp_path / f"<img src=x onerror={RUN}>.txt"
    named.write_text("\n\n".join(PAYLOADS), encoding="utf-8")
    add(page, file=named)
    expect(page.locator("#add")).to_be_hidden()
    for text in [*packed(PAYLOADS, 1900), SUMMARIZE, f"What does sentence 7 say? {PAYLOADS[7]}"]:
        ask(page, text)
    for cite in page.locator(
        "#turns :is(.cite, .tool:not([data-action=retry], [data-action=edit-query], [data-action=edit]))"
    ).all():
        cite.hover()
        cite.click()
    page.wait_for_selector("#guide [data-ready=true]", state="attached")
    page.click("#new")
    expect(page.locator(".earlier button").first).to_be_visible()
    page.reload()
    page.wait_for_selector("body.ready", state="attached")
    assert page.evaluate("window.pwned") is None and told == []
    inside = "#panes :is(script, img, iframe, object, embed, video, audio, style, link, base, meta, form, marquee, math, animate, template)"
    assert page.locator(inside).count() == 0
    events = "[...document.querySelectorAll('#panes *, #bar *')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length"
    assert page.evaluate(events) == 0
