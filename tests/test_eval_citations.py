"""Is it supported by what it cites: ALCE's recall and precision, and the words of composed answers, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.citations import Cited, citation_precision, citation_recall, content_precision, statements, supports
from eval.metrics import token_recall
from eval.score import score
from rag.types import Generated, Question
from tests.eval_fakes import ARTICLES, SENTENCES, answer, examples, span_of

PIER, COST = "The old pier fell in 1990.", "It had cost 4 crowns."
QUOTES = {1: PIER, 2: COST}


def said(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(s.text, s.cites) for s in statements(text, QUOTES)]


def test_a_marker_belongs_to_the_sentence_before_it() -> None:
    assert said(f"{PIER} [1] It cost a lot. [1][2] He sang. [?] Bye") == [
        (PIER, (1,)),
        ("It cost a lot.", (1, 2)),
        ("He sang.", ()),
        ("Bye", ()),
    ]
    assert said("It fell [1]. It cost a lot [2]!") == [("It fell.", (1,)), ("It cost a lot!", (2,))]
    assert said("It rose. It fell. [1]") == [("It rose.", ()), ("It fell.", (1,))]
    assert said("It fell. [9]") == [("It fell.", ())], "a number that cites nothing is no citation"
    assert said("") == []


def test_a_quote_of_several_sentences_is_one_statement() -> None:
    both = f"{PIER} {COST}"
    assert [(s.text, s.cites) for s in statements(f"{both} [1]", {1: both})] == [(both, (1,))]


def test_support_needs_most_words_and_every_number() -> None:
    assert supports("The pier fell in 1990.", [Cited(PIER)])
    assert not supports("The pier fell in 1991.", [Cited(PIER)])
    assert not supports("The pier was sold to a bank.", [Cited(PIER)])
    assert not supports("The pier fell in 1990.", [])
    assert supports("Whatever it says.", [Cited(COST, gold=True)]), "the evidence supports, in whatever words"


def test_recall_counts_sentences_and_precision_citations() -> None:
    cited = {n: Cited(q) for n, q in QUOTES.items()}
    assert citation_recall(statements(f"{PIER} [1] He sang. [?]", QUOTES), cited) == 0.5
    assert citation_recall(statements("The old pier fell in 1991. [1]", QUOTES), cited) == 0.0
    assert citation_recall(statements(f"{PIER} [2]", QUOTES), cited) == 0.0
    assert citation_precision(statements(f"{PIER} [1][2]", QUOTES), cited) == 0.5
    both = "The old pier fell in 1990 and had cost 4 crowns."
    assert citation_precision(statements(f"{both} [1][2]", QUOTES), cited) == 1.0
    assert citation_precision(statements("He sang. [?]", QUOTES), cited) is None


def test_content_precision_is_the_share_of_words_that_were_given() -> None:
    assert content_precision(PIER, [PIER]) == 1.0
    assert content_precision("The pier sank in 1990.", [PIER]) == pytest.approx(2 / 3)  # pier, 1990; not sank
    assert content_precision("It is.", [PIER]) is None


def test_token_recall_takes_the_best_gold_and_counts_a_token_once() -> None:
    assert token_recall("It fell in May 1990.", ["May 1990"]) == 1.0
    assert token_recall("It fell in 1990.", ["May 1990", "spring"]) == 0.5
    assert token_recall("red", ["red red"]) == 0.5
    assert token_recall("Anything.", []) == 0.0


def test_quotes_are_not_counted_as_faithful_and_composed_answers_are() -> None:
    example = examples()[0]
    question = Question(example.question)
    quoted = score(example, answer(question, 0), ARTICLES)
    assert (quoted["content_precision"], quoted["citation_recall"], quoted["citation_precision"]) == (None, 1.0, 1.0)
    composed = replace(answer(question, 0), text="The pier sank in 1990. [1] Everyone cheered. [?]")
    found = score(example, composed, ARTICLES)
    assert found["content_precision"] == pytest.approx(2 / 5)  # pier, 1990; not sank, everyone, cheered
    assert (found["citation_recall"], found["containment"]) == (0.5, 1.0)
    # what the model was given counts, not what was retrieved
    given = replace(composed, llm=Generated("m", given=(("harbour", span_of(5)),)))
    assert score(example, given, ARTICLES)["content_precision"] == 0.0
    assert SENTENCES[5] == "Ferries leave from it daily."
