"""The chat with a language model behind it: who spoke, the switch, and both beside each other, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from rag.types import Answer, Question
from tests.chat_page import SLOW, browser, choose, enter, home, settings  # noqa: F401
from tests.llm_server import key_of, serving
from ui.render import answer_body
from ui.screenshot import DESKTOP, ask, running_chat
from ui.turns import Talk, Turn, read_talk, write_talk

COST = "How much did the repairs cost?"


@pytest.fixture(scope="module")
def page(settings: dict[str, str], browser: Browser) -> Iterator[Page]:  # noqa: F811
    def say(prompt: str) -> str:
        return f"The ferry repairs cost 4.2 million kroner. [{key_of(prompt, '4.2 million')}] The mayor sang all night."

    with serving(say) as server:
        model = {"RAG_LLM": "openai:m", "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": server.root + "/v1"}
        with running_chat(**settings, **model) as (url, _):
            opened = browser.new_page(viewport=DESKTOP)  # type: ignore[arg-type]
            opened.set_default_timeout(SLOW)
            asked: list[str] = []
            opened.on("request", lambda request: asked.append(request.url))
            enter(opened, url)
            yield opened
            opened.close()
            assert {urlsplit(u).port for u in asked if u.startswith("http")} == {urlsplit(url).port}


def test_the_model_answers_names_itself_and_what_it_made_up_is_marked(page: Page) -> None:
    ask(page, COST)
    turn = page.locator("#log .turn").last
    expect(turn.locator(".by")).to_have_text("In the words of openai:m, checked against the article.")
    expect(turn).to_contain_text("The ferry repairs cost 4.2 million kroner.")
    expect(turn).to_contain_text("The mayor sang all night. [?]")
    turn.locator(".cite").first.click()
    expect(page.locator("#article mark")).to_contain_text("The repairs cost 4.2 million kroner")


def test_the_embedded_reader_can_be_asked_instead_or_beside(page: Page) -> None:
    choose(page, "Both, to compare", "#by")
    ask(page, COST)
    beside = page.locator("#log .turn").last.locator(".beside")
    expect(beside).to_contain_text("The embedded reader:")
    expect(beside.locator("blockquote")).to_contain_text("4.2 million kroner")
    choose(page, "The embedded reader", "#by")
    ask(page, COST)
    expect(page.locator("#log .turn").last.locator(".by")).to_have_count(0)


def test_who_spoke_outlives_the_page() -> None:
    beside = Answer(Question("Why?"), "Why?", "Since then.", answerer="reader")
    talk = Talk((Turn("Why?", answer=Answer(Question("Why?"), "Why?", "<b>", answerer="a:b", beside=beside)),), "x")
    [kept] = read_talk(write_talk(talk)).turns
    assert kept.answer and kept.answer.answerer == "a:b"
    assert kept.answer.beside and kept.answer.beside.text == "Since then."
    assert "In the words of a:b" in answer_body(kept.answer, {}) and "<b>" not in answer_body(kept.answer, {})
