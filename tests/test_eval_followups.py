"""The follow-up table on two small conversations: which turns count, and what each way searches for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.followups import WAYS, main, ranks, read_turns
from rag.embed import MiniLM

HISTORY = ["Ada Morrow", "Keeper", "When did Ada Morrow come to Skerry Rock?", "In 1844, on a mail boat."]


def turn(history: list[str], question: str, rewrite: str) -> dict[str, Any]:
    changed = question != rewrite
    kind = "title,section,q,a,..."
    return {"history": history, "history_kind": kind, "question": question, "rewrite": rewrite, "changed": changed}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    first = turn(HISTORY[:2], HISTORY[2], HISTORY[2])
    second = turn(HISTORY, "Who paid her?", "Who paid Ada Morrow?")
    third = turn([*HISTORY, "Who paid her?", "The harbour office of Lindholm."], "And then?", "What did she do then?")
    path = tmp_path / "turns.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in (first, second, third))
    return path


def test_only_changed_questions_with_a_known_answer_count(file: Path) -> None:
    [one] = read_turns(file)
    assert (one.title, one.question, one.answer) == ("Ada Morrow", "Who paid her?", "The harbour office of Lindholm.")
    assert one.history == ("When did Ada Morrow come to Skerry Rock?",)


def test_each_way_searches_for_its_own_words(file: Path) -> None:
    [one] = read_turns(file)
    assert [query_of(one) for query_of in WAYS.values()] == [
        "Who paid her?",
        "When did Ada Morrow come to Skerry Rock? Who paid her?",
        "Who paid Ada Morrow?",
    ]
    assert set(map(tuple, ranks([one], MiniLM(), lambda: None).values())) == {(1,)}


def test_a_file_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.gz").write_bytes(b"no gzip")
    assert main([str(tmp_path / "x.gz")]) == 2
    assert capsys.readouterr().err.startswith("error: ") and "no conversations" not in capsys.readouterr().out
