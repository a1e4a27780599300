"""The reader as it ships: what it reads in one passage, and what the chain makes of it on articles it never saw."""

from __future__ import annotations

import pytest

from rag.chain import QAChain
from rag.reader.answer import Calibration
from rag.reader.model import Reader
from rag.reader.weights import WEIGHTS
from rag.types import Question

LIGHTHOUSE = (
    "The lighthouse on Skerry Rock was lit for the first time in 1844. Its keeper, Ada Morrow, lived there for 31 years. "
    "A storm broke the lantern in 1871, and the harbour paid $4,200 to mend it."
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the lighthouse lit for the first time?", "1844"),
        ("Who kept the lighthouse?", "Ada Morrow"),
        ("How long did Ada Morrow live there?", "31 years"),
        ("What broke the lantern?", "A storm"),
        ("How much did the harbour pay?", "$4,200"),
    ],
)
def test_the_span_is_exact(reader: Reader, question: str, answer: str) -> None:
    [found] = reader.read([(question, LIGHTHOUSE)])
    assert LIGHTHOUSE[found.start : found.end] == answer
    assert found.margin > 0


@pytest.mark.parametrize("question", ["Who painted the ceiling of the chapel?", "How many ships sank off Torshavn?"])
def test_a_passage_about_something_else_does_not_answer(reader: Reader, question: str) -> None:
    [found] = reader.read([(question, LIGHTHOUSE)])
    assert found.margin < 0


def test_the_weights_are_small_and_their_calibration_is_theirs() -> None:
    assert WEIGHTS.stat().st_size < 25_000_000
    assert 0 < Calibration.load().threshold < 1  # raises when it was fitted with other weights


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("How many professors has Seoul National University lost?", "56"),
        ("How many faculty members left KAIST, GIST, DGIST and UNIST?", "119"),
        ("For how many years were tuition fees frozen?", "17"),
    ],
)
def test_the_chain_gives_the_span_in_its_sentence(corpus_chain: QAChain, question: str, short: str) -> None:
    answer = corpus_chain.invoke(Question(question))
    assert answer.short is not None and short in answer.short
    assert answer.short in answer.citations[0].quote
    assert answer.answerer == "reader" and answer.notice is None


@pytest.mark.parametrize(
    "question",
    ["What was Japan's rank in AI talent retention?", "Who won the football world cup?", "How do I bake rye bread?"],
)
def test_what_the_article_does_not_say_is_refused_with_the_nearest_sentence(
    corpus_chain: QAChain, question: str
) -> None:
    answer = corpus_chain.invoke(Question(question))
    assert answer.refused and answer.citations == () and answer.short is None
    assert answer.nearest is not None


def test_a_follow_up_about_another_university_is_not_answered_with_the_first(corpus_chain: QAChain) -> None:
    first = "How many professors has Seoul National University lost?"
    answer = corpus_chain.invoke(Question("And Yonsei?", (first,)))
    assert answer.query == "How many professors has Yonsei lost?"
    assert answer.refused
