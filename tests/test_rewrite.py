"""Follow-ups made whole without an LLM: what is carried over, what is exchanged, and what is left alone."""

from __future__ import annotations

import pytest

from rag.rewrite import asked_last, exchange, leans, queries

BUILT = "When was the Skerry lighthouse built?"
COST = "How much did the repairs cost in 1871?"


@pytest.mark.parametrize(
    ("history", "question", "searched"),
    [
        ([], "And in 1872?", ["And in 1872?"]),
        ([BUILT], "Who paid for the harbour wall at Lindholm?", ["Who paid for the harbour wall at Lindholm?"]),
        ([BUILT], "Who kept it?", [f"{BUILT} Who kept it?"]),
        ([BUILT], "And the harbour wall?", [f"{BUILT} And the harbour wall?"]),
        ([COST], "And in 1872?", ["How much did the repairs cost in 1872?"]),
        ([COST], "What was it in 1900?", ["How much did the repairs cost in 1900?"]),
        ([BUILT], "And Lindholm?", ["When was the Lindholm lighthouse built?"]),
        ([BUILT], "In 1844?", ["When was the Skerry lighthouse built in 1844?"]),
        ([COST, "And in 1872?"], "Who paid?", ["How much did the repairs cost in 1872? Who paid?"]),
        (["Hello"], "Why?", ["Why?"]),
        ([BUILT, "Summarize the article"], "Why?", [f"{BUILT} Why?"]),
    ],
)
def test_a_follow_up_becomes_whole(history: list[str], question: str, searched: list[str]) -> None:
    assert queries(question, history) == searched


def test_a_question_that_may_stand_alone_is_searched_both_ways() -> None:
    question = "Which ships take more cargo than they report?"
    assert queries(question, [BUILT]) == [f"{BUILT} {question}", question]


def test_a_half_leaning_question_may_be_the_subject_and_so_may_the_one_before_it() -> None:
    history = [BUILT, "Does that include the keeper of Lindholm?"]
    assert queries("Why?", history) == ["Does that include the keeper of Lindholm? Why?", f"{BUILT} Why?"]


def test_only_a_question_that_asks_for_nothing_else_is_exchanged() -> None:
    assert exchange(BUILT, "Did Lindholm pay for it?") is None
    assert exchange(BUILT, "And Lindholm and Torshavn?") == "When was the Lindholm and Torshavn lighthouse built?"
    assert exchange("When was it lit?", "And Lindholm?") is None, "there is no name to take its place"
    assert exchange(COST, "And 500?") is None, "a number is no year"


@pytest.mark.parametrize(("question", "how_much"), [("Why?", 2), ("And then?", 2), ("Who keeps Skerry Rock?", 0)])
def test_how_much_a_question_leans(question: str, how_much: int) -> None:
    assert leans(question) == how_much


def test_what_is_asked_is_the_last_question() -> None:
    assert asked_last(f"{BUILT} Why?") == "Why?"
    assert asked_last(BUILT) == BUILT
