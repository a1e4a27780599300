# ruff: noqa: F401, F811  (fixtures are imported, and asked for by their names)
"""The chat in a real browser: the real server, the real chain, two small articles with traps in their text.

"Summarize the article" is answered with citations whatever the answerer is, so what a citation does is tried on it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from rag.config import Config
from rag.errors import StoreUnavailable
from rag.types import Answer, Article, Question
from tests.chat_page import (
    BEES,
    BEES_TITLE,
    FERRY,
    FERRY_TITLE,
    PWN,
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
    settings,
    turn,
)
from ui.handlers import Drawing, asker, stopper
from ui.screenshot import ask
from ui.turns import Talk, Turn


def test_the_first_screen_explains_itself_and_shows_the_article(page: Page) -> None:
    assert page.title() == "Ask the article"
    expect(page.locator("#log .welcome")).to_contain_text("come from the text alone")
    expect(page.locator("#article h1")).to_have_text(FERRY_TITLE)
    expect(page.locator("#article h2")).to_have_text("Timetable")
    assert page.locator("#log .starter").count() >= 2


def test_an_answer_grows_sentence_by_sentence(page: Page) -> None:
    page.evaluate(
        "window.grown = []; new MutationObserver(() => window.grown.push([...document.querySelectorAll('#log .turn')]"
        ".map(turn => turn.querySelectorAll('blockquote').length)[0]))"
        ".observe(document.querySelector('#turns'), {childList: true, subtree: true})"
    )
    ask(page, SUMMARIZE)
    grown = page.evaluate("window.grown")
    assert grown[0] == 0 and grown == sorted(grown)  # first the question alone
    assert len(set(grown)) > 2
    expect(turn(page, 0).locator(".cite")).to_have_text([str(n + 1) for n in range(grown[-1])])


def test_each_citation_marks_exactly_its_quote_in_the_article(page: Page) -> None:
    ask(page, SUMMARIZE)
    cites = turn(page, 0).locator(".cite")
    assert cites.count() > 1
    for number in range(cites.count()):
        cites.nth(number).click()
        check_marked(page, cites.nth(number), FERRY)
    assert page.locator("#log .cite[aria-current]").count() == 1


def test_a_mark_out_of_sight_is_scrolled_to(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 420})
    ask(page, SUMMARIZE)
    cites = turn(page, 0).locator(".cite")
    for number in (0, cites.count() - 1, 0):  # down, and up again
        page.locator("#read").evaluate("(pane, top) => pane.scrollTo(0, top)", 0 if number else 10_000)
        cites.nth(number).click()
        check_marked(page, cites.nth(number), FERRY)


def test_a_plain_question_is_answered_with_the_sentence_that_says_so(page: Page) -> None:
    ask(page, "How much did the repairs cost?")
    expect(turn(page, 0)).to_contain_text("4.2 million kroner")
    cite = turn(page, 0).locator(".cite").first
    cite.click()
    check_marked(page, cite, FERRY)
    assert "4.2 million kroner" in quote_of(cite)


def test_citations_of_an_earlier_turn_work_from_the_keyboard(page: Page) -> None:
    ask(page, SUMMARIZE)
    ask(page, "What is this article about?")
    for at, key in ((1, "Enter"), (0, "Space"), (1, "Space"), (0, "Enter")):
        cite = turn(page, at).locator(".cite").last
        cite.focus()
        page.keyboard.press(key)
        check_marked(page, cite, FERRY)
        expect(cite).to_be_focused()


def test_what_is_marked_stays_marked_while_the_next_answer_comes(page: Page) -> None:
    ask(page, SUMMARIZE)
    cite = turn(page, 0).locator(".cite").first
    cite.click()
    ask(page, "What is this article about?")
    check_marked(page, cite, FERRY)


def test_a_starter_question_made_from_the_article_is_asked_at_a_click(page: Page) -> None:
    page.wait_for_selector("#guide [data-ready=true]")
    page.click("#guide >> text=How much did the repairs cost?")
    cite = turn(page, 0).locator(".cite").first
    cite.click()
    check_marked(page, cite, FERRY)
    assert "4.2 million kroner" in quote_of(cite)


def test_a_refusal_says_so_and_offers_the_nearest_sentence(page: Page) -> None:
    ask(page, "Which team won the football world cup in Brazil?")
    expect(page.locator("#log .refusal .says")).to_have_text(re.compile("The article doesn.t say"))
    assert page.locator("#log .turn :is(blockquote, .short)").count() == 0
    tint = page.locator("#log .refusal").evaluate("e => getComputedStyle(e).backgroundColor")
    assert tint == "rgb(251, 240, 226)"
    nearest = page.locator("#log .refusal .cite")
    nearest.click()
    check_marked(page, nearest, FERRY)


def test_a_follow_up_tells_what_was_searched_for(page: Page) -> None:
    ask(page, "Who is the captain of the ferry?")
    ask(page, "How long has she steered it?")
    expect(turn(page, 1).locator(".searched")).to_contain_text("captain")


def test_the_selector_turns_to_another_article_and_a_citation_turns_back(page: Page) -> None:
    ask(page, SUMMARIZE)
    choose(page, BEES_TITLE)
    expect(page.locator("#article h1")).to_have_text(BEES_TITLE)
    ask(page, SUMMARIZE)
    ferry, bees = turn(page, 0).locator(".cite").first, turn(page, 1).locator(".cite").first
    for _ in range(2):  # the same article a second time
        ferry.click()
        check_marked(page, ferry, FERRY)
        bees.click()
        check_marked(page, bees, BEES)


def test_an_article_that_is_chosen_early_stays_chosen(desk: BrowserContext, chat: tuple[str, object]) -> None:
    """What the page asks for when it opens may be answered after the person has chosen."""
    page, held = desk.new_page(), []
    page.set_default_timeout(SLOW)

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        held.append(route)

    page.route("**/run/**", hold)
    enter(page, chat[0])
    choose(page, BEES_TITLE)
    expect(page.locator("#article h1")).to_have_text(BEES_TITLE)
    with page.expect_response("**/run/**"):
        held[0].continue_()
    ask(page, SUMMARIZE)
    assert page.input_value("#scope input") == BEES_TITLE
    expect(page.locator("#article h1")).to_have_text(BEES_TITLE)
    assert quote_of(turn(page, 0).locator(".cite").first) in BEES
    page.close()


def test_all_articles_are_searched_and_the_source_is_named(page: Page) -> None:
    choose(page, "All articles")
    ask(page, "How much was a jar of honey sold for?")
    expect(page.locator("#log .turn .sources")).to_contain_text(BEES_TITLE)
    cite = page.locator("#log .turn .cite[data-article='2-bees']").first
    cite.click()
    check_marked(page, cite, BEES)


def test_markup_in_a_question_and_in_an_article_stays_text(page: Page) -> None:
    ask(page, f"What does the plate at the bow read? {PWN}")
    expect(page.locator("#log .turn .question")).to_contain_text(PWN)
    expect(page.locator("#article")).to_contain_text(PWN)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#panes img, #panes script").count() == 0


def test_an_error_is_a_line_in_the_chat_and_no_part_of_the_history(page: Page) -> None:
    ask(page, "?!")
    expect(page.locator("#log .turn .fault")).to_contain_text("holds no word to look for")
    ask(page, "How long has she steered it?")
    assert page.locator("#log .searched").count() == 0


def test_a_new_chat_is_empty_and_has_no_history(page: Page) -> None:
    ask(page, "Who is the captain of the ferry?")
    page.click("text=New chat")
    expect(page.locator("#log .welcome")).to_be_visible()
    ask(page, "How long has she steered it?")
    assert page.locator("#log .searched").count() == 0


def test_on_a_phone_the_article_is_a_sheet_that_a_citation_opens(phone: Page) -> None:
    ask(phone, SUMMARIZE)
    expect(phone.locator("#read")).to_be_hidden()
    cite = turn(phone, 0).locator(".cite").first
    cite.click()
    check_marked(phone, cite, FERRY)
    expect(phone.locator("#close-article button")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(phone.locator("#read")).to_be_hidden()
    expect(cite).to_be_focused()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_the_dark_page_is_dark(phone: Page) -> None:
    background = phone.evaluate("getComputedStyle(document.querySelector('#read')).backgroundColor")
    ink = phone.evaluate("getComputedStyle(document.querySelector('#article .page')).color")
    assert (background, ink) == ("rgb(28, 30, 34)", "rgb(232, 228, 218)")


def test_every_button_and_field_has_a_name(page: Page) -> None:
    ask(page, SUMMARIZE)
    names = page.evaluate(
        "[...document.querySelectorAll('#bar button, #talk button, #talk textarea, #bar input')]"
        ".filter(e => e.checkVisibility()).map(e => e.ariaLabel || e.closest('label')?.innerText || e.innerText)"
    )
    assert len(names) >= 5 and all(name.strip() for name in names)


def test_a_citation_shows_the_text_it_was_made_from_after_the_article_changed(
    page: Page, home: Path, settings: dict[str, str]
) -> None:
    newer = FERRY.replace("🚢🚢 After", "The mayor cut a ribbon. 🚢🚢 After")
    (home / "corpus" / "1-ferry.md").write_text(newer, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "rag", "index"], check=True, env={**os.environ, **settings})
    ask(page, SUMMARIZE)
    cite = turn(page, 0).locator(".cite").last
    cite.click()
    check_marked(page, cite, newer)
    expect(page.locator("#article")).to_contain_text("cut a ribbon")


class Waking:
    """A backend that is loading at first, like the real one, and then fails as it is told to."""

    status, articles, default_article, config = "Loading the model …", dict[str, Article](), "ferry", Config()

    def __init__(self, fault: Exception) -> None:
        self.fault, self.looks = fault, 0

    def start(self) -> None:
        pass

    def chain(self, timeout: float) -> None:
        self.looks += 1
        if self.looks > 2:
            raise self.fault


def asked_of(backend: Waking, text: str) -> list[tuple[str, Talk]]:
    ask_it = asker(backend, None, Drawing(backend, thumbs=False))  # type: ignore[arg-type]
    return [(page, talk) for page, talk, *_ in ask_it(text, Talk(), None, "")]


def test_a_question_asked_while_the_model_loads_waits_and_a_fault_is_told() -> None:
    shown = asked_of(Waking(StoreUnavailable("The disk is full. Make room.")), "Why?")
    assert ["Loading the model …" in page for page, _ in shown] == [False, True, True, False]
    page, talk = shown[-1]
    assert "The disk is full. Make room." in page
    assert talk.turns[0].state == "failed" and talk.asked == ()


def test_an_unforeseen_fault_shows_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    page, talk = asked_of(Waking(ZeroDivisionError("secret detail")), "Why?")[-1]
    assert "Something went wrong here" in page and "secret" not in page
    assert "secret detail" in caplog.text
    assert not talk.busy


def test_stop_keeps_what_there_is() -> None:
    half = Turn("Why?", "ferry", Answer(Question("Why?"), "Why?", "Because"), "waiting")
    backend = Waking(ValueError())
    page, talk, *_ = stopper(Drawing(backend, thumbs=False))(Talk((half,)))  # type: ignore[arg-type]
    assert (talk.turns[0].state, talk.turns[0].answer) == ("stopped", half.answer)
    assert "<p>Because</p>" in page and "Stopped." in page and "pending" not in page


def run_ui(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ui", "--no-browser", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


def test_a_taken_port_is_one_line_that_names_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run_ui("--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        f"Port {port} on 127.0.0.1 is taken, perhaps by a chat that already runs: open http://127.0.0.1:{port}, "
        f"or run `python -m ui --port {port + 1}`."
    )


def test_a_corpus_without_articles_is_one_line(tmp_path: Path) -> None:
    ended = run_ui("--port", "0", RAG_CORPUS=str(tmp_path), RAG_INDEX=str(tmp_path / "index"))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "holds no article" in ended.stderr


def check_stopped(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - started < 5
    assert process.stderr and process.stderr.read() == "Stopped.\n"


def test_ctrl_c_while_it_starts_ends_it_with_one_line(settings: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ui", "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **settings}
    ) as starting:
        assert starting.stdout and starting.stdout.readline() == "Starting the chat …\n"
        check_stopped(starting)


def test_ctrl_c_ends_it_with_one_line_though_a_page_is_open(
    page: Page, chat: tuple[str, subprocess.Popen[str]]
) -> None:
    """The last test of this file: it ends the server."""
    ask(page, SUMMARIZE)
    check_stopped(chat[1])
