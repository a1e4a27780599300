"""A thumb becomes a row that the evaluation reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.formats import load_set
from eval.sets import locate
from rag.chain import QAChain
from rag.errors import StoreUnavailable
from rag.types import Question
from tests.conftest import HARBOUR
from ui.feedback import FILE, append, feedback_file, row


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    assert feedback_file({}) is None and feedback_file({"RAG_FEEDBACK": "0"}) is None
    assert feedback_file({"RAG_FEEDBACK": "1"}) == FILE
    assert FILE.name == "feedback.jsonl" and FILE.parent.name == "questions"
    assert feedback_file({"RAG_FEEDBACK": "/tmp/mine.jsonl"}) == Path("/tmp/mine.jsonl")


def test_thumbs_become_rows_that_the_evaluation_reads(chain: QAChain, tmp_path: Path) -> None:
    answered = chain.invoke(Question("Who lit the first lamp?", (), "harbour"))
    refused = chain.invoke(Question("Which team won the football world cup in Brazil?", (), "harbour"))
    assert answered.citations and refused.refused and refused.nearest
    file = tmp_path / "new" / "feedback.jsonl"
    for answer, good in ((answered, True), (answered, False), (refused, True), (refused, False)):
        append(file, row(answer, ("What is it?",), good))
    rows = [locate(example, {"harbour": HARBOUR}) for example in load_set(file).examples]
    assert [r.answerable for r in rows] == [True, False, False, True]
    assert rows[0].evidence[0].text == answered.citations[0].quote and rows[0].answers
    assert rows[3].evidence[0].text == refused.nearest.quote and rows[3].answers == ()
    assert ["to-check" in r.tags for r in rows] == [False, True, False, True]
    assert {r.history for r in rows} == {("What is it?",)} and len({r.id for r in rows}) == 4


def test_a_file_that_can_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="can not be written"):
        append(tmp_path / "file" / "feedback.jsonl", {})
