"""Answers and articles as HTML: nothing untrusted becomes markup, and every offset survives."""

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cite import cite, cited_text
from rag.types import ALL, Answer, Article, Question
from tests.payloads import PAYLOADS
from ui import frame, render
from ui.frame import Guide
from ui.turns import Talk, Turn

FERRY = Article(
    "ferry",
    "The ferry is back",
    "🚢 The ferry sails again.\n\nIts captain, Marta Berg, is 61.\nShe likes <b>tea</b> & rum.\n\n"
    "Old tickets stay valid.",
    metadata={"publisher": "Harbour <Post>", "byline": "Ann & Co", "published": "3 May"},
)
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    "</p></article><svg/onload=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "```mermaid\ngraph TD\n```\n\n<iframe src=javascript:alert(1)>",
    "![x](http://evil.example/x.png) [y](javascript:alert(1))",
    "\n\n# heading\n\n<details open ontoggle=alert(1)>",
    "{{constructor}} ${alert(1)} {% raw %}",
]


class Reader(HTMLParser):
    """Collects the elements, and the text of each one that carries `data-start`."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[int, str]] = []
        self._inside = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if "data-start" in dict(attrs) and tag != "button":
            self.texts.append((int(dict(attrs)["data-start"] or -1), ""))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            start, text = self.texts[-1]
            self.texts[-1] = start, text + data


def answer(text: str, **fields: object) -> Answer:
    question = Question("Who steers it?")
    return Answer(**{"question": question, "query": question.text, "text": text, **fields})  # type: ignore[arg-type]


def sentence(quote: str, number: int = 1):
    start = FERRY.text.index(quote)
    return cite(FERRY, (start, start + len(quote)), number)


@pytest.mark.parametrize("payload", [*NASTY, *PAYLOADS])
def test_a_payload_is_text_wherever_it_comes_in(payload: str) -> None:
    article = Article(payload, payload, payload, metadata={"publisher": payload, "byline": payload})
    citation = cite(Article(payload, "", payload.strip()), (0, len(payload.strip())))
    shown = answer(
        f"{payload} [1]",
        short=payload,
        query=payload,
        notice=payload,
        citations=(citation,),
        question=Question(payload, (), ALL),
    )
    refusal = answer(payload, refused=True, nearest=citation)
    body = render.answer_body(shown, {payload: payload}) + render.answer_body(refusal, {})
    turns = (Turn(payload, payload, shown, follow_ups=(payload,)), Turn(payload, "", None, "failed", payload))
    page = (
        render.article_page(article) + body + frame.conversation(Talk(turns, payload), {payload: payload}, thumbs=True)
    )
    page += frame.guide(Guide(payload, payload, shown, (payload,), True)) + frame.added(payload, payload, "failed")

    tags = {tag for tag, _ in Reader(page).elements}
    assert tags <= set("article header h1 h2 h3 p span div section blockquote b button q cite".split())
    names = {name for _, attributes in Reader(page).elements for name in attributes if not name.startswith("data-")}
    assert names <= {"class", "role", "type", "aria-label", "aria-pressed"}
    assert "\n" not in page and "\t" not in page  # a raw line end would leave the HTML block, see render.py


@settings(deadline=None)  # other programs use the processor too
@given(st.text())
def test_one_character_in_is_one_character_in_the_browser(text: str) -> None:
    shown = html.unescape(render.escape(text))
    assert len(shown) == len(text)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, shown, strict=True))


def test_a_character_no_page_can_hold_becomes_the_replacement_character() -> None:
    assert render.escape("a\x00b\ud800c\r\td") == "a\ufffdb\ufffdc&#13;&#9;d"


def test_each_paragraph_says_where_it_stands() -> None:
    assert Reader(render.article_page(FERRY)).texts == [
        (0, "🚢 The ferry sails again."),
        (26, "Its captain, Marta Berg, is 61.\nShe likes <b>tea</b> & rum."),
        (87, "Old tickets stay valid."),
    ]


@settings(deadline=None)  # other programs use the processor too
@given(st.text(st.sampled_from("ab. \n<&é😀"), max_size=400), st.integers(1, 30))
def test_the_page_shows_every_character_at_its_offset(text: str, repeat: int) -> None:
    text = "\n\n".join([text * repeat, text])
    shown = Reader(render.article_page(Article("a", "A title", text))).texts
    assert all(text[start : start + len(paragraph)] == paragraph for start, paragraph in shown)
    assert "".join("".join(paragraph.split()) for _, paragraph in shown) == "".join(text.split())


def test_a_wall_of_text_is_set_as_paragraphs_of_whole_sentences() -> None:
    wall = Article("wall", "Wall", " ".join(f"Sentence number {i} is here." for i in range(100)))
    shown = Reader(render.article_page(wall)).texts
    assert len(shown) == 6
    assert all(paragraph.endswith(" is here.") for _, paragraph in shown)


def test_the_head_of_the_page_has_what_the_article_knows_of_itself() -> None:
    page = render.article_page(FERRY)
    assert '<p class="publisher"><span>Harbour &lt;Post&gt;</span></p>' in page
    assert '<p class="byline"><span>Ann &amp; Co</span><span>3 May</span></p>' in page
    assert "byline" not in render.article_page(Article("a", "A", "Text."))


def test_short_lines_are_set_as_standfirst_and_headings() -> None:
    page = render.article_page(Article("a", "A", "What it is about\n\nFirst text.\n\nThe second part\n\nMore text."))
    assert '<p class="standfirst" data-start="0">What it is about</p>' in page
    assert '<h2 data-start="31">The second part</h2>' in page
    assert '<p data-start="48">More text.</p>' in page


def test_a_title_that_the_text_repeats_stands_there_once() -> None:
    page = render.article_page(Article("a", "The title", "The title\n\nThe text."))
    assert page.count("The title</") == 1
    assert '<h1 class="headline" data-start="0">The title</h1>' in page


def test_a_quote_is_shown_with_its_chip_and_the_short_answer_set_off() -> None:
    citation = sentence("Its captain, Marta Berg, is 61.")
    body = render.answer_body(
        answer(cited_text([citation]), short="Marta Berg", citations=(citation,), confidence=0.9), {}
    )
    assert body == (
        '<p class="short">Marta Berg.</p>'
        "<blockquote>Its captain, <b>Marta Berg</b>, is 61."
        '<button type="button" class="cite" data-article="ferry" data-start="26" data-end="57" '
        'data-quote="Its captain, Marta Berg, is 61." '
        'aria-label="Citation 1, show it in the article: Its captain, Marta Berg, is 61.">1</button></blockquote>'
    )


def test_prose_keeps_its_chips_and_an_unknown_marker_stays_text() -> None:
    citation = sentence("Old tickets stay valid.")
    body = render.answer_body(answer("You can use them [1], but see [7].", citations=(citation,), confidence=0.9), {})
    assert body.startswith("<p>You can use them<button")
    assert body.endswith(">1</button>, but see [7].</p>")


def test_a_refusal_says_so_and_offers_the_nearest_sentence() -> None:
    nearest = sentence("Old tickets stay valid.")
    body = render.answer_body(answer("The article doesn't say.", refused=True, nearest=nearest), {})
    assert '<p class="says">The article doesn&#x27;t say.</p>' in body
    assert 'class="cite quote" data-article="ferry" data-start="87" data-end="110">Old tickets stay valid.<' in body
    assert "blockquote" not in body


def test_the_query_is_told_only_when_it_says_something_else() -> None:
    assert "Searched" not in render.answer_body(answer("Yes.", query=" Who  steers it "), {})
    body = render.answer_body(answer("Yes.", query="Is there a ferry? Who steers it?"), {})
    assert '<p class="searched">Searched for: <q>Is there a ferry? Who steers it?</q> <button' in body


def test_the_sources_are_named_when_every_article_was_searched() -> None:
    citation = sentence("Old tickets stay valid.")
    everywhere = answer(cited_text([citation]), citations=(citation,), question=Question("Who steers it?", (), ALL))
    body = render.answer_body(everywhere, {"ferry": FERRY.title})
    assert '<p class="sources">From <cite>The ferry is back</cite></p>' in body


def test_doubt_is_told_in_words_and_only_where_there_is_some() -> None:
    citation = sentence("Old tickets stay valid.")
    for confidence, told in ((0.59, True), (0.6, False), (0.99, False)):
        shown = answer(cited_text([citation]), short="Marta Berg", citations=(citation,), confidence=confidence)
        assert ('class="short"' not in render.answer_body(shown, {})) == told, "unsure: the quote speaks for itself"
        assert ("Not certain" in render.answer_body(shown, {})) is told
    assert "Not certain" not in render.answer_body(answer("The article doesn't say.", refused=True, confidence=0.1), {})


def test_a_turn_offers_what_fits_it() -> None:
    citation = sentence("Old tickets stay valid.")
    answered = Turn(
        "Still?", "ferry", answer(cited_text([citation]), citations=(citation,)), follow_ups=("Who is it?",)
    )
    waiting = Turn("Who?", "ferry", state="waiting", note="Searching …")
    page = frame.conversation(Talk((answered,), "t1"), {"ferry": FERRY.title}, thumbs=True)
    assert [name for name in ("copy", "retry", "edit", "good", "bad") if f'data-action="{name}"' in page] == [
        "copy", "retry", "edit", "good", "bad",
    ]  # fmt: skip
    assert 'data-question="Who is it?"' in page and "data-keep=" in page
    assert "good" not in frame.conversation(Talk((answered,), "t1"), {}, thumbs=False)
    busy = frame.conversation(Talk((answered, waiting), "t1"), {})
    assert "Searching …" in busy and "data-keep=" not in busy and "data-question" not in busy


def test_the_guide_holds_the_summarys_place_until_it_is_there() -> None:
    citation = sentence("Old tickets stay valid.")
    blank = frame.guide(Guide("ferry", "“The ferry”"))
    assert 'class="summary blank"' in blank and 'data-ready="false"' in blank and blank.count('class="starter"') == 2
    summary = answer(cited_text([citation]), citations=(citation,))
    page = frame.guide(Guide("ferry", "“The ferry”", summary, ("Who steers it?",), ready=True))
    assert "Old tickets stay valid.<button" in page and "blank" not in page and page.count('class="starter"') == 1
