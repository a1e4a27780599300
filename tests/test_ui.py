"""The chat in a real browser: the real server, the real chain, two small articles with traps in their text."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rag.errors import StoreUnavailable
from ui.app import _asker, _stopped
from ui.render import Turn
from ui.screenshot import CHROMIUM_ARGUMENTS, DESKTOP, PHONE, ask, chromium, running_chat

PWN = '<img src="/pwned" onerror="window.pwned=1"><script>window.pwned=1</script>'
FERRY = f"""---
title: The ferry to Lindholm is back
publisher: Harbour Post
published: 3 May
role: main
---

Repairs took a whole winter

After a long winter 🚢🚢 the ferry to Lindholm sails again. Its captain, Marta Berg, has steered it for 19 years.

The repairs cost 4.2 million kroner 🧾, twice what the harbour office had planned. The money came from the county, which
owns the ferry. A plate at the bow reads {PWN} to this day.

Timetable

The ferry leaves every morning at seven and comes back at noon. Old tickets stay valid until the end of August.
"""
BEES = """---
title: Bees on the roof of the town hall
publisher: Harbour Post
role: related
---

Six hives stand on the roof of the town hall since April. The beekeeper, Jonas Lund, looks after them twice a week.

The first honey was sold at the market for 90 kroner a jar.
"""
COST = "The repairs cost 4.2 million kroner 🧾, twice what the harbour office had planned."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    corpus = tmp_path_factory.mktemp("chat") / "corpus"
    corpus.mkdir()
    (corpus / "ferry.md").write_text(FERRY, encoding="utf-8")
    (corpus / "bees.md").write_text(BEES, encoding="utf-8")
    return corpus.parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not chromium() and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to run the browser tests")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def chat(home: Path, browser: Browser) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with running_chat(RAG_CORPUS=str(home / "corpus"), RAG_INDEX=str(home / "index")) as running:
        yield running


def visit(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """A fresh page, which must not ask anything of another machine, nor meet an error in its scripts."""
    context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})  # type: ignore[arg-type]
    page, asked, faults = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(url)
    page.wait_for_selector("body.ready", state="attached")
    yield page
    context.close()
    outside = [u for u in asked if urlsplit(u).scheme not in ("data", "blob") and urlsplit(u).hostname != "127.0.0.1"]
    assert asked and outside == []
    assert faults == []


@pytest.fixture
def page(browser: Browser, chat: tuple[str, subprocess.Popen[str]]) -> Iterator[Page]:
    yield from visit(browser, chat[0])


@pytest.fixture
def phone(browser: Browser, chat: tuple[str, subprocess.Popen[str]]) -> Iterator[Page]:
    yield from visit(browser, chat[0], viewport=PHONE, color_scheme="dark")


def marked(page: Page) -> str:
    page.wait_for_selector("#article mark")
    return "".join(page.locator("#article mark").all_text_contents())


def test_the_first_screen_explains_itself_and_shows_the_article(page: Page) -> None:
    assert page.title() == "Ask the article"
    expect(page.locator("#log .welcome")).to_contain_text("comes only from its text")
    expect(page.locator("#article h1")).to_have_text("The ferry to Lindholm is back")
    expect(page.locator("#article h2")).to_have_text("Timetable")
    assert page.locator("#log .starter").count() == 3


def test_a_citation_marks_its_sentence_in_the_article(page: Page) -> None:
    ask(page, "How much did the repairs cost?")
    chip = page.locator("#log .turn .cite").first
    assert chip.get_attribute("title") == COST
    chip.click()
    assert marked(page) == COST
    expect(page.locator("#article mark").first).to_be_in_viewport()
    expect(chip).to_have_attribute("aria-current", "true")


def test_a_citation_works_from_the_keyboard_and_an_earlier_turn(page: Page) -> None:
    ask(page, "How much did the repairs cost?")
    ask(page, "Who is the captain?")
    page.locator("#log .turn >> nth=1 >> .cite >> nth=0").focus()
    page.keyboard.press("Enter")
    assert "Marta Berg" in marked(page)
    page.locator("#log .turn >> nth=0 >> .cite >> nth=0").focus()
    page.keyboard.press("Space")
    assert marked(page) == COST


def test_a_starter_question_is_asked_at_a_click(page: Page) -> None:
    page.click("#log >> text=Who published it?")
    expect(page.locator("#log .turn .answer")).to_contain_text("Harbour Post", timeout=30_000)


def test_a_refusal_says_so_and_offers_the_nearest_sentence(page: Page) -> None:
    ask(page, "Which team won the football world cup in Brazil?")
    expect(page.locator("#log .refusal .says")).to_have_text("The article doesn't say.")
    nearest = page.locator("#log .refusal .cite")
    quote = nearest.inner_text()
    nearest.click()
    assert marked(page) == quote


def test_a_follow_up_tells_what_was_searched_for(page: Page) -> None:
    ask(page, "Who is the captain of the ferry?")
    ask(page, "How long has she steered it?")
    expect(page.locator("#log .turn >> nth=1 >> .searched")).to_contain_text("Who is the captain of the ferry?")
    expect(page.locator("#log .turn >> nth=1")).to_contain_text("19 years")


def test_the_selector_turns_to_another_article_and_a_citation_turns_back(page: Page) -> None:
    ask(page, "How much did the repairs cost?")
    page.click("#scope input")
    page.get_by_role("option", name="Bees on the roof of the town hall").click()
    expect(page.locator("#article h1")).to_have_text("Bees on the roof of the town hall")
    ask(page, "Who is the beekeeper?")
    expect(page.locator("#log .turn >> nth=1")).to_contain_text("Jonas Lund")
    page.locator("#log .turn >> nth=0 >> .cite >> nth=0").click()
    assert marked(page) == COST
    expect(page.locator("#article h1")).to_have_text("The ferry to Lindholm is back")
    page.locator("#log .turn >> nth=1 >> .cite >> nth=0").click()
    expect(page.locator("#article h1")).to_have_text("Bees on the roof of the town hall")
    page.locator("#log .turn >> nth=0 >> .cite >> nth=0").click()  # the same article a second time
    expect(page.locator("#article h1")).to_have_text("The ferry to Lindholm is back")


def test_all_articles_are_searched_and_the_source_is_named(page: Page) -> None:
    page.click("#scope input")
    page.get_by_role("option", name="All articles").click()
    ask(page, "How much was a jar of honey sold for?")
    expect(page.locator("#log .turn .sources cite")).to_have_text(["Bees on the roof of the town hall"])
    page.locator("#log .turn .cite").first.click()
    assert "90 kroner" in marked(page)


def test_markup_in_a_question_and_in_an_article_stays_text(page: Page) -> None:
    question = f"What does the plate at the bow read? {PWN}"
    ask(page, question)
    expect(page.locator("#log .turn .question")).to_contain_text(PWN)
    expect(page.locator("#article")).to_contain_text(PWN)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#panes img, #panes script").count() == 0


def test_an_error_is_a_line_in_the_chat_and_no_part_of_the_history(page: Page) -> None:
    ask(page, "?!")
    expect(page.locator("#log .turn .fault")).to_contain_text("holds no word to look for")
    ask(page, "How much did the repairs cost?")
    expect(page.locator("#log .turn >> nth=1")).to_contain_text("4.2 million kroner")


def test_a_new_chat_is_empty_and_has_no_history(page: Page) -> None:
    ask(page, "Who is the captain of the ferry?")
    page.click("text=New chat")
    expect(page.locator("#log .welcome")).to_be_visible()
    ask(page, "How long has she steered it?")
    assert page.locator("#log .searched").count() == 0


def test_on_a_phone_the_article_is_a_sheet_that_a_citation_opens(phone: Page) -> None:
    ask(phone, "How much did the repairs cost?")
    expect(phone.locator("#read")).to_be_hidden()
    phone.locator("#log .turn .cite").first.click()
    assert marked(phone) == COST
    expect(phone.locator("#article mark").first).to_be_in_viewport()
    expect(phone.locator("#close-article button")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(phone.locator("#read")).to_be_hidden()
    expect(phone.locator("#log .turn .cite").first).to_be_focused()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_the_dark_page_is_dark(phone: Page) -> None:
    background = phone.evaluate("getComputedStyle(document.querySelector('#read')).backgroundColor")
    ink = phone.evaluate("getComputedStyle(document.querySelector('#article p')).color")
    assert (background, ink) == ("rgb(28, 30, 34)", "rgb(232, 228, 218)")


def test_every_button_and_field_has_a_name(page: Page) -> None:
    ask(page, "How much did the repairs cost?")
    names = page.evaluate(
        "[...document.querySelectorAll('#bar button, #talk button, #talk textarea, #bar input')]"
        ".filter(e => e.checkVisibility()).map(e => e.ariaLabel || e.closest('label')?.innerText || e.innerText)"
    )
    assert len(names) >= 5 and all(name.strip() for name in names)


class Waking:
    """A backend that is loading at first, like the real one, and then fails as it is told to."""

    status = "Loading the model …"

    def __init__(self, fault: Exception) -> None:
        self.fault, self.looks = fault, 0

    def start(self) -> None:
        pass

    def chain(self, timeout: float) -> None:
        self.looks += 1
        if self.looks > 2:
            raise self.fault


def test_a_question_asked_while_the_model_loads_waits_and_a_fault_is_told() -> None:
    shown = list(_asker(Waking(StoreUnavailable("The disk is full. Make room.")))("Why?", (), None))  # type: ignore[arg-type]
    assert ["Loading the model …" in page for page, _, _ in shown] == [False, True, True, False]
    assert "The disk is full. Make room." in shown[-1][0]
    assert shown[-1][1][0].failed


def test_an_unforeseen_fault_shows_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    *_, (page, talk, _) = _asker(Waking(ZeroDivisionError("secret detail")))("Why?", (), None)  # type: ignore[arg-type]
    assert "Something went wrong here" in page and "secret" not in page
    assert "secret detail" in caplog.text
    assert talk[0].done


def test_stop_keeps_what_there_is() -> None:
    page, talk, _ = _stopped((Turn("Why?", "<p>Because</p>", done=False),))
    assert talk == (Turn("Why?", '<p>Because</p><p class="notice">Stopped.</p>', done=True),)
    assert "pending" not in page


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


def test_ctrl_c_ends_it_with_one_line(chat: tuple[str, subprocess.Popen[str]]) -> None:
    """The last test of this file: it ends the server."""
    process = chat[1]
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - started < 5
    assert process.stderr and process.stderr.read().strip() == "Stopped."
