"""Whether the article says so: by example, and by how often a changed sentence of a real article still passes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.lexical import content_words
from rag.llm.excerpts import Excerpt
from rag.llm.orders import is_order
from rag.llm.support import Supports, Verdict
from rag.load import load_articles
from rag.sentences import split_sentences
from rag.types import Article
from tests.conftest import HARBOUR
from tests.injections import PLAIN_WORDS

KEYS = ("k7m2", "p3x9")


def harbour(*orders: str) -> list[Excerpt]:
    text = HARBOUR.text
    spans = split_sentences(text)
    return [
        Excerpt("k7m2", "harbour", tuple(spans[:3]), text[:82]),
        Excerpt("p3x9", "harbour", tuple(spans[3:]), text[82:]),
    ]


def judge(claim: str, keys: tuple[str, ...] = ("k7m2", "p3x9"), question: str = "What?") -> Verdict:
    return Supports(question, harbour(), {"harbour": HARBOUR}).judge(claim, keys)


def quotes(verdict: Verdict) -> list[str]:
    return [HARBOUR.text[slice(*span)] for _, span in verdict.evidence]


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("The harbour opened in 1892.", ["The harbour opened in 1892."]),
        ("The harbour was opened in 1892.", ["The harbour opened in 1892."]),
        ("It opened in 1892.", ["The harbour opened in 1892."]),
        ("The harbour of Lund opened in 1892.", ["The harbour opened in 1892."]),  # named in the title
        ("Ships carry both salt and timber.", ["Ships carry timber and salt."]),
        ("No one was hurt.", ["Nobody was hurt."]),
        ("However, the pier fell in the storm of 1931.", ["The pier fell in the storm of 1931."]),
        ("The harbour was built by 340 workers.", ["The harbour opened in 1892.", "It was built by 340 workers."]),
        (
            "The harbour opened in 1892, and it was built by 340 workers.",
            ["The harbour opened in 1892.", "It was built by 340 workers."],
        ),
    ],
)
def test_what_the_article_says_is_supported_by_its_exact_sentence(claim: str, evidence: list[str]) -> None:
    assert quotes(judge(claim)) == evidence


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("The harbour opened in 1893.", "1893 does not stand there"),
        ("It was built by 341 workers.", "341 does not stand there"),
        ("Captain Bo Holm lit the first lamp.", "bo does not stand there"),
        ("Kovacs lit the first lamp.", "kovac does not stand there"),
        ("The harbour did not open in 1892.", "the article says the opposite"),
        ("The pier opened in 1892.", "pier stands in the article, but not there"),
        ("The pier was built by 340 workers.", None),
        ("Captain Ida Holm lit the first lamp and was hurt in the storm.", None),
        ("The mayor is corrupt.", None),
        ("Yes.", "it says nothing that could be looked up"),
        ("It is what it is.", "it says nothing that could be looked up"),
        ("The harbour opened in 1892 and fell in the storm of 1931.", None),
    ],
)
def test_what_it_does_not_say_is_not(claim: str, why: str | None) -> None:
    verdict = judge(claim)
    assert verdict.evidence == () and verdict.why and (why is None or verdict.why == why)


@pytest.mark.parametrize("order", PLAIN_WORDS)
def test_what_a_text_orders_to_be_said_it_does_not_say(order: str) -> None:
    article = Article("a", "A", f"The harbour opened in 1892.\n\n{order}")
    spans = tuple(s for s in split_sentences(article.text) if not is_order(article.text[slice(*s)]))
    supports = Supports("When did it open?", [Excerpt("k7m2", "a", spans, article.text)], {"a": article})
    assert not supports.judge("The harbour closed forever in 1950.", ("k7m2",)).evidence
    assert supports.judge("The harbour opened in 1892.", ("k7m2",)).evidence


def test_a_right_sentence_with_a_wrong_key_is_cited_where_it_stands() -> None:
    assert quotes(judge("The harbour opened in 1892.", ("p3x9",))) == ["The harbour opened in 1892."]
    assert quotes(judge("The harbour opened in 1892.", ())) == ["The harbour opened in 1892."]


@pytest.mark.parametrize(
    ("question", "claim", "shown"),
    [
        ("Did the harbour open in 1892?", "Yes, the harbour opened in 1892.", "Yes, the harbour opened in 1892."),
        ("Did the harbour open in 1893?", "Yes, the harbour opened in 1892.", "The harbour opened in 1892."),
        ("Did the harbour open in 1893?", "No, the harbour opened in 1892.", "No, the harbour opened in 1892."),
        ("Is the mayor corrupt?", "Yes, the harbour opened in 1892.", "The harbour opened in 1892."),
        ("When did the harbour open?", "Yes, the harbour opened in 1892.", "The harbour opened in 1892."),
    ],
)
def test_a_yes_is_only_shown_where_the_evidence_is_about_the_question(question: str, claim: str, shown: str) -> None:
    assert judge(claim, question=question).text == shown


def test_the_reader_decides_where_the_words_nearly_do() -> None:
    claim = "The harbour welcomed visitors in 1892."  # two of three words
    given_to = harbour(), {"harbour": HARBOUR}
    assert not Supports("When?", *given_to, lambda q, p: None).judge("The harbour started in 1892.", KEYS).evidence
    assert Supports("When?", *given_to, lambda q, p: "1892").judge("The harbour started in 1892.", KEYS).evidence
    assert not Supports("When?", *given_to, lambda q, p: "opened").judge("The harbour started in 1892.", KEYS).evidence
    assert not Supports("When?", *given_to, lambda q, p: "1892").judge(claim, KEYS).evidence  # half is not nearly


CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.md"))


def changed(text: str, names: list[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    """(what was changed, the sentence after it); each makes the sentence say something else."""
    yield "nothing", text
    if numbers := list(re.finditer(r"\d+", text)):
        at = chance.choice(numbers)
        yield "a number", text[: at.start()] + str(int(at[0]) + chance.randint(1, 9)) + text[at.end() :]
    if mine := list(re.finditer(r"(?<=[a-z] )[A-Z][a-z]{3,}", text)):
        at = chance.choice(mine)
        if others := [n for n in names if n not in text]:
            yield "a name", text[: at.start()] + chance.choice(others) + text[at.end() :]
    verb = re.search(r"\b(?:is|was|were|are|has|had|will|can|would|could)\b", text)
    if verb and not re.search(r"\b(?:not|no|never|without|none|cannot)\b|n[’']t\b", text):
        yield "negated", text[: verb.end()] + " not" + text[verb.end() :]


def test_a_changed_sentence_seldom_passes_and_an_unchanged_one_always_does() -> None:
    chance = random.Random(7)
    tried: dict[str, list[bool]] = {}
    for path in CORPUS:
        (article,) = load_articles(path, 10)
        spans = split_sentences(article.text)
        names = sorted(set(re.findall(r"(?<=[a-z] )[A-Z][a-z]{3,}", article.text)))
        given = [Excerpt(f"k{i}", article.id, tuple(spans[i : i + 5]), "") for i in range(0, len(spans), 5)]
        supports = Supports("What?", given, {article.id: article})
        for start, end in spans:
            if len(content_words(article.text[start:end])) >= 4:
                for what, said in changed(article.text[start:end], names, chance):
                    tried.setdefault(what, []).append(bool(supports.judge(said, ()).evidence))
    passed = {what: sum(found) / len(found) for what, found in tried.items()}
    print({what: (sum(found), len(found)) for what, found in tried.items()})
    assert passed["nothing"] == 1.0
    assert passed["negated"] == 0.0
    assert passed["a number"] <= 0.05 and passed["a name"] <= 0.1
