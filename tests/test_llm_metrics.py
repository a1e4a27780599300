"""Faithfulness and citations of an answer, on numbers that can be counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from eval.llm import citation_precision, citation_recall, faithfulness, given_text, marked_sentences, spent

PIER = "The old pier fell in 1990."
COST = "It had cost 4 crowns."


def answer(text: str, *quotes: str, refused: bool = False, llm: dict[str, Any] | None = None) -> dict[str, Any]:
    citations = [{"number": n, "quote": q} for n, q in enumerate(quotes, start=1)]
    return {"text": text, "refused": refused, "citations": citations, "passages": [], "llm": llm}


def test_each_sentence_with_its_numbers() -> None:
    assert marked_sentences(f"{PIER} [1] It cost a lot. [1][2] He sang. [?] Bye") == [
        (PIER, [1]),
        ("It cost a lot.", [1, 2]),
        ("He sang.", []),
        ("Bye", []),
    ]


def test_faithfulness_is_the_share_of_words_that_were_given() -> None:
    assert faithfulness(answer(f"{PIER} [1]"), PIER) == 1.0
    assert faithfulness(answer("The pier sank in 1990. [1]"), PIER) == pytest.approx(2 / 3)  # pier, 1990; not sank
    assert faithfulness(answer("The article doesn't say.", refused=True), PIER) is None


def test_recall_counts_sentences_that_their_quotes_support() -> None:
    assert citation_recall(answer(f"{PIER} [1] He sang. [?]", PIER)) == 0.5
    assert citation_recall(answer("The old pier fell in 1991. [1]", PIER)) == 0.0  # a number is right or wrong
    assert citation_recall(answer(f"{PIER} [1]", COST)) == 0.0
    assert citation_recall(answer("", refused=True)) is None


def test_precision_counts_citations_that_are_needed() -> None:
    assert citation_precision(answer(f"{PIER} [1][2]", PIER, COST)) == 0.5
    both = "The old pier fell in 1990 and had cost 4 crowns."
    assert citation_precision(answer(f"{both} [1][2]", PIER, COST)) == 1.0
    assert citation_precision(answer("He sang. [?]")) is None


def test_what_was_given_is_the_models_or_else_the_passages() -> None:
    articles = {"a": f"{PIER} {COST}"}
    said = answer("x", llm={"given": [{"article": "a", "start": 0, "end": 26}]})
    assert given_text(said, articles) == PIER
    assert given_text({**said, "llm": None, "passages": [{"article": "a", "start": 27, "end": 48}]}, articles) == COST


def test_what_was_spent_leaves_kept_answers_out() -> None:
    fresh = {"cached": False, "fault": None, "usage": {"seconds": 2.0, "input_tokens": 100, "output_tokens": 10}}
    failed = {"cached": False, "fault": "openai:m took too long", "usage": {"seconds": 30.0}}
    total = spent(
        [answer("a", llm=fresh), answer("b", llm={**fresh, "cached": True}), answer("c", llm=failed), answer("d")]
    )
    assert total == {"asked": 2, "cached": 1, "fell_back": 1, "seconds": 32.0, "input_tokens": 100, "output_tokens": 10}
