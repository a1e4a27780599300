"""Question sets: what is read is right to the character, and what is wrong is named by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.formats import load_set
from eval.sets import Evidence, Example, locate, select
from rag.errors import BadInput, UnknownArticle
from rag.types import Article

HARBOUR = Article("harbour", "The harbour", "The old pier fell in 1990. It cost 4 crowns. The new pier cost 9 crowns.")


def native(tmp_path: Path, *rows: dict[str, Any] | str) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n", encoding="utf-8")
    return path


def row(**changes: Any) -> dict[str, Any]:
    return {"id": "q1", "question": "When did it fall?", "answers": ["1990"], "article": "harbour"} | changes


def example(*evidence: Evidence) -> Example:
    return Example("q1", "When?", ("1990",), True, "harbour", evidence, where="set.jsonl:1")


def test_a_native_row_keeps_everything_it_says(tmp_path: Path) -> None:
    evidence = [{"text": "in 1990", "start": 18, "end": 25}, "4 crowns"]
    path = native(tmp_path, row(evidence=evidence, history=["What fell?"], tags=["date", "factoid", "dev"]))
    [e] = load_set(path).examples
    assert (e.id, e.question, e.answers) == ("q1", "When did it fall?", ("1990",))
    assert (e.answerable, e.article) == (True, "harbour")
    assert e.evidence == (Evidence("in 1990", 18, 25), Evidence("4 crowns"))
    assert (e.history, e.tags, e.where) == (("What fell?",), ("date", "factoid", "dev"), f"{path}:1")


def test_blank_lines_count_as_lines_and_nothing_else(tmp_path: Path) -> None:
    questions = load_set(native(tmp_path, row(), "", row(id="q2")))
    assert [e.where.rsplit(":", 1)[1] for e in questions.examples] == ["1", "3"]


def test_a_row_can_bring_its_article(tmp_path: Path) -> None:
    texts = {"article": "The harbour", "article_text": HARBOUR.text}
    questions = load_set(native(tmp_path, row(**texts), row(id="q2", **texts)))
    assert [e.article for e in questions.examples] == ["harbour", "harbour"]
    assert questions.articles["harbour"].text == HARBOUR.text


def test_a_text_without_a_name_is_still_one_article(tmp_path: Path) -> None:
    unnamed = row(article_text=HARBOUR.text)
    del unnamed["article"]
    questions = load_set(native(tmp_path, unnamed, unnamed | {"id": "q2"}))
    assert len(questions.articles) == len({e.article for e in questions.examples}) == 1


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("{not json", "not JSON"),
        ("[1]", "not an object"),
        (row(), "the id 'q1' stands already at"),
        (row(id=""), "id is ''"),
        (row(id="q2", question=None), "question is None"),
        (row(id="q2", answers="1990"), "answers is '1990'"),
        (row(id="q2", answers=[1990]), "answers is [1990]"),
        (row(id="q2", answers=[]), "nothing to score against"),
        (row(id="q2", answerable="yes"), "answerable is 'yes'"),
        (row(id="q2", answerable=False), "answerable is false, but answers are given"),
        (row(id="q2", evidence=[7]), "evidence 7 is not understood"),
        (row(id="q2", evidence=[{"start": "18"}]), "is not understood"),
        (row(id="q2", article=None), "article is None"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, second: Any, said: str) -> None:
    path = native(tmp_path, row(), second)
    with pytest.raises(BadInput) as fault:
        load_set(path)
    assert str(fault.value).startswith(f"{path}:2: ")
    assert said in str(fault.value)


def test_files_that_are_no_sets(tmp_path: Path) -> None:
    def said(content: bytes | None) -> str:
        path = tmp_path / "x.jsonl"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInput) as fault:
            load_set(path)
        return str(fault.value)

    assert "There is no file" in said(None)
    assert "holds no question" in said(b"\n\n")
    assert "not UTF-8" in said(b'{"id": "\xff"}')
    assert "can not be read" in said(gzip.compress(b"{}" * 100)[:-9])
    assert "not in SQuAD format (KeyError: 'paragraphs')" in said(b'{"data": [{"title": "T"}]}')


def test_evidence_without_offsets_is_found_where_it_stands_once() -> None:
    [found] = locate(example(Evidence("4 crowns")), {"harbour": HARBOUR}).evidence
    assert found.span == (35, 43)
    assert HARBOUR.text[35:43] == "4 crowns"


def test_evidence_in_other_spaces_and_quotes_of_normalisation_is_found() -> None:
    [found] = locate(example(Evidence("4\u00a0crowns", 37, 45)), {"harbour": HARBOUR}).evidence
    assert (found.text, found.span) == ("4 crowns", (35, 43))


def test_evidence_that_stands_twice_takes_the_one_at_its_offset() -> None:
    twice = Evidence("crowns", 65, 71)
    [found] = locate(example(twice), {"harbour": HARBOUR}).evidence
    assert found.span == (65, 71) and HARBOUR.text[65:71] == "crowns"


def test_offsets_alone_are_enough() -> None:
    [found] = locate(example(Evidence("", 0, 12)), {"harbour": HARBOUR}).evidence
    assert found.text == "The old pier"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence("in 1991"), "“in 1991” is not in harbour. Quote it verbatim."),
        (Evidence("crowns"), "“crowns” stands 2 times in harbour (at 37, 65)"),
        (Evidence("in 1990", 900, 907), "is not in harbour near offset 900"),
        (Evidence("", 60, 900), "has no text in harbour"),
    ],
)
def test_evidence_that_can_not_be_placed_is_named(evidence: Evidence, said: str) -> None:
    with pytest.raises(BadInput) as fault:
        locate(example(evidence), {"harbour": HARBOUR})
    assert str(fault.value).startswith("set.jsonl:1: ")
    assert said in str(fault.value)


def test_an_unknown_article_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownArticle, match=r"set\.jsonl:1: no article 'harbour' in the index\. It holds: ferry\."):
        locate(example(), {"ferry": HARBOUR})


def squad(tmp_path: Path, paragraphs: list[dict[str, Any]], title: str = "Old_pier") -> Path:
    path = tmp_path / "set.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"data": [{"title": title, "paragraphs": paragraphs}]}).encode()))
    return path


def ask(id_: str, *answers: tuple[str, int], impossible: bool = False) -> dict[str, Any]:
    golds = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id_, "question": f"{id_}?", "answers": golds, "is_impossible": impossible}


def test_a_squad_title_is_one_article_and_its_offsets_move_along(tmp_path: Path) -> None:
    paragraphs = [
        {"context": "It fell in 1990.", "qas": [ask("a", ("1990", 11), ("in 1990", 8), ("1990", 11))]},
        {"context": "In 1990 it\u00a0 rained.\n", "qas": [ask("b", ("1990", 3)), ask("c", impossible=True)]},
        {"context": "By 1990 it rose.", "qas": [ask("d", ("1990", 3))]},
    ]
    questions = load_set(squad(tmp_path, paragraphs))
    article = questions.articles["old-pier"]
    assert article.title == "Old pier"
    assert article.text == "It fell in 1990.\n\nIn 1990 it  rained.\n\nBy 1990 it rose."
    a, b, c, d = (locate(e, questions.articles) for e in questions.examples)
    assert (a.answers, [e.span for e in a.evidence]) == (("1990", "in 1990"), [(11, 15), (8, 15)])
    assert [e.span for e in b.evidence] == [(21, 25)]
    assert (c.answerable, c.answers, c.evidence) == (False, (), ())
    assert [e.span for e in d.evidence] == [(42, 46)] and article.text[39:46] == "By 1990"


def test_reporting_titles_of_squad_are_tagged(tmp_path: Path) -> None:
    paragraphs = [{"context": "It fell in 1990.", "qas": [ask("a", ("1990", 11))]}]
    assert load_set(squad(tmp_path, paragraphs, "Steam_engine")).examples[0].tags[0] == "report"
    assert load_set(squad(tmp_path, paragraphs)).examples[0].tags[0] == "dev"


def test_a_squad_answer_off_its_offset_is_named(tmp_path: Path) -> None:
    path = squad(tmp_path, [{"context": "It fell in 1990.", "qas": [ask("a", ("1990", 10))]}])
    with pytest.raises(BadInput, match=r"qas\[0\]: the answer '1990' does not stand at offset 10"):
        load_set(path)


def test_select_filters_then_counts() -> None:
    examples = [Example(f"q{i}", "?", ("x",), i % 2 == 0, "harbour", tags=("dev",) if i > 2 else ()) for i in range(6)]
    assert [e.id for e in select(examples, ["tag=dev"])] == ["q3", "q4", "q5"]
    assert [e.id for e in select(examples, ["tag=dev", "answerable=false"], n=1)] == ["q3"]
    assert [e.id for e in select(examples, ["id=q2"])] == ["q2"]
    with pytest.raises(BadInput, match="No question of 6 is left after tag=report. Tags: dev."):
        select(examples, ["tag=report"])
    with pytest.raises(BadInput, match="--filter colour=red is not understood"):
        select(examples, ["colour=red"])
