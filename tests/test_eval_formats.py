"""Every format reads to the same questions, and every fault is named by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.formats import load_set
from eval.sets import Evidence, Example, locate
from eval.tags import answer_type, question_type
from rag.errors import BadInput

TEXT = "The old pier fell in 1990. It cost 4 crowns. The new pier cost 9 crowns."


def put(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def plain(e: Example) -> tuple[Any, ...]:
    return e.id, e.question, e.answers, e.answerable, e.article, e.evidence, e.history


PIER = ("q1", "When did it fall?", ("1990", "in 1990"), True, "harbour", (Evidence("in 1990"),), ("What fell?",))
MAYOR = ("q2", "Who is the mayor?", (), False, "harbour", (), ())


def test_csv_yaml_json_and_jsonl_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"id": "q1", "question": "When did it fall?", "answers": ["1990", "in 1990"], "article": "harbour",
         "evidence": ["in 1990"], "history": ["What fell?"]},
        {"id": "q2", "question": "Who is the mayor?", "answerable": False, "article": "harbour"},
    ]  # fmt: skip
    files = [
        put(tmp_path, "set.jsonl", "\n".join(map(json.dumps, rows))),
        put(tmp_path, "set.json", json.dumps(rows, indent=1)),
        put(
            tmp_path,
            "set.csv",
            "id,question,answers,answerable,article,evidence,history\n"
            "q1,When did it fall?,1990 | in 1990,,harbour,in 1990,What fell?\n"
            "q2,Who is the mayor?,,false,harbour,,\n",
        ),
        put(
            tmp_path,
            "set.tsv",
            "id\tquestion\tanswers\tis_impossible\tarticle\tevidence\thistory\n"
            'q1\tWhen did it fall?\t"[""1990"", ""in 1990""]"\tno\tharbour\tin 1990\tWhat fell?\n'
            "q2\tWho is the mayor?\t\tyes\tharbour\t\t\n",
        ),
        put(
            tmp_path,
            "set.yaml",
            "questions:\n- id: q1\n  question: When did it fall?\n  answers: [1990, in 1990]\n  article: harbour\n"
            "  evidence: [in 1990]\n  history: ['What fell?']\n"
            "- id: q2\n  question: Who is the mayor?\n  answerable: no\n  article: harbour\n",
        ),
    ]
    for path in files:
        assert [plain(e) for e in load_set(path).examples] == [PIER, MAYOR], path.name


def test_yaml_reads_no_as_the_word_and_years_as_text(tmp_path: Path) -> None:
    path = put(tmp_path, "set.yml", "- question: Is it open?\n  answers: [no]\n  article: harbour\n")
    [e] = load_set(path).examples
    assert (e.answers, e.where) == (("no",), f"{path}:1")


@pytest.mark.parametrize("question", ["question", "user_input", "input", "query"])
@pytest.mark.parametrize("answer", ["answer", "reference", "ground_truth", "expected_output", "target"])
def test_the_names_other_tools_use_are_understood(tmp_path: Path, question: str, answer: str) -> None:
    path = put(tmp_path, "s.jsonl", json.dumps({question: "When?", answer: "1990", "article": "harbour"}))
    [e] = load_set(path).examples
    assert (e.question, e.answers) == ("When?", ("1990",))


def test_a_ragas_row_brings_evidence_to_a_named_article_and_is_the_article_of_an_unnamed_one(tmp_path: Path) -> None:
    row = {"user_input": "When?", "reference": "1990", "reference_contexts": [TEXT[:26]]}
    path = put(tmp_path, "s.jsonl", "\n".join(json.dumps(r) for r in (row | {"article": "harbour"}, row)))
    named, unnamed = load_set(path).examples
    assert (named.article, named.evidence) == ("harbour", (Evidence(TEXT[:26]),))
    assert load_set(path).articles[unnamed.article].text == "The old pier fell in 1990."


def test_map_names_a_column_and_is_checked(tmp_path: Path) -> None:
    path = put(tmp_path, "s.csv", "Frage,Antwort,article,note\nWann?,1990,harbour,x\n")
    questions = load_set(path, {"question": "Frage", "answers": "Antwort"})
    assert [(e.question, e.answers) for e in questions.examples] == [("Wann?", ("1990",))]
    assert questions.remarks == ("the column 'note' of 1 rows is not used",)
    with pytest.raises(BadInput, match=r"--map question=Question: .* no column 'Question'. Columns: Antwort, Frage"):
        load_set(path, {"question": "Question", "answers": "Antwort"}, [])
    with pytest.raises(BadInput, match="there is no field 'frage'. Fields: id, question"):
        load_set(path, {"frage": "Frage"})


def test_a_row_without_an_id_gets_one_that_moving_it_does_not_change(tmp_path: Path) -> None:
    rows = [{"question": q, "answers": ["x"], "article": "harbour"} for q in ("When?", "Who?")]
    there = [e.id for e in load_set(put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))).examples]
    back = [e.id for e in load_set(put(tmp_path, "b.jsonl", "\n".join(map(json.dumps, rows[::-1])))).examples]
    assert len(set(there)) == 2 and there == back[::-1]


def coqa(tmp_path: Path, **changes: Any) -> Path:
    story = {
        "id": "pier-1", "filename": "pier.txt", "story": TEXT,
        "questions": [{"input_text": "When did it fall?", "turn_id": 1}, {"input_text": "Who saw it?", "turn_id": 2},
                      {"input_text": "What was its cost?", "turn_id": 3}],
        "answers": [
            {"span_start": 17, "span_end": 25, "span_text": " in 1990", "input_text": "1990", "turn_id": 1},
            {"span_start": -1, "span_end": -1, "span_text": "unknown", "input_text": "unknown", "turn_id": 2},
            {"span_start": 35, "span_end": 43, "span_text": "4 crowns", "input_text": "four", "turn_id": 3},
        ],
        "additional_answers": {"0": [{"input_text": "In 1990"}, {"input_text": "unknown"}, {"input_text": "4 crowns"}]},
    }  # fmt: skip
    return put(tmp_path, "coqa.json", json.dumps({"version": "1.0", "data": [story | changes]}))


def test_coqa_turns_have_the_earlier_ones_as_history(tmp_path: Path) -> None:
    questions = load_set(coqa(tmp_path))
    first, second, third = (locate(e, questions.articles) for e in questions.examples)
    assert (first.id, first.answers, first.evidence) == ("pier-1-1", ("1990", "In 1990"), (Evidence("in 1990", 18, 25),))
    assert (second.answerable, second.answers, second.evidence) == (False, (), ())
    assert third.history == ("When did it fall?", "Who saw it?")
    assert (third.answers, TEXT[slice(*third.evidence[0].span)]) == (("four", "4 crowns"), "4 crowns")
    with pytest.raises(BadInput, match="3 questions but 0 answers"):
        load_set(coqa(tmp_path, answers=[]))


def beir(tmp_path: Path, qrels: str = "query-id\tcorpus-id\tscore\nq1\td2\t1\n") -> Path:
    folder = tmp_path / "piers"
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": "d1", "title": "Ferry", "text": "It sails."}, {"_id": "d2", "title": "Pier", "text": TEXT}]
    queries = [{"_id": "q1", "text": "What did the old pier cost?"}, {"_id": "q2", "text": "Who?"}]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, queries)).encode()))
    (folder / "qrels" / "test.tsv").write_text(qrels)
    return folder


def test_a_beir_folder_is_one_article_and_a_relevant_document_its_sentences(tmp_path: Path) -> None:
    questions = load_set(beir(tmp_path))
    [e] = (locate(e, questions.articles) for e in questions.examples)
    assert questions.articles["piers"].text == f"Ferry\n\nIt sails.\n\nPier\n\n{TEXT}"
    assert [x.text for x in e.evidence] == ["Pier", "The old pier fell in 1990.", "It cost 4 crowns.", "The new pier cost 9 crowns."]
    assert questions.remarks == ("1 queries have no relevant document in the qrels: left out",)


def test_a_beir_fault_is_named(tmp_path: Path) -> None:
    folder = beir(tmp_path, "q1\td2\t1\nq1\td9\t1\nq1 d2 1\n")
    faults: list[str] = []
    assert len(load_set(folder, None, faults).examples) == 1
    assert faults == [
        f"{folder}/qrels/test.tsv:2: there is no document 'd9'.",
        f"{folder}/qrels/test.tsv:3: not `query-id<TAB>corpus-id<TAB>score`.",
    ]
    with pytest.raises(BadInput, match="has no corpus.jsonl: it is not a BEIR folder"):
        load_set(tmp_path)


def test_a_row_may_name_the_article_that_an_earlier_one_brought_by_its_title(tmp_path: Path) -> None:
    rows = [
        {"question": "When?", "answers": ["1990"], "article": "The harbour and its bridge", "article_text": TEXT},
        {"question": "Who?", "answerable": False, "article": "The harbour and its bridge"},
    ]
    held = load_set(put(tmp_path, "set.jsonl", "\n".join(map(json.dumps, rows))))
    assert {e.article for e in held.examples} == set(held.articles)


def test_validate_names_every_fault_and_counts_what_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"id": "q1", "question": "When?", "answers": ["1990"], "article": "harbour", "article_text": TEXT}
    path = put(
        tmp_path,
        "set.jsonl",
        "\n".join(
            [
                json.dumps(good | {"evidence": ["in 1990"]}),
                "{oops",
                json.dumps(good),  # the id again
                json.dumps(good | {"id": "q3", "evidence": ["in 1991"]}),
                json.dumps(good | {"id": "q4", "evidence": ["crowns"]}),
                json.dumps({"id": "q5", "question": "", "answers": ["x"], "article": "harbour"}),
            ]
        ),
    )
    assert main(["validate", str(path)]) == 2
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert [line.partition(":")[2].partition(":")[0] for line in lines[:-1]] == ["2", "6", "3", "4", "5"]
    assert "not JSON" in lines[0] and "question is ''" in lines[1] and "stands already" in lines[2]
    assert "“in 1991” is not in harbour" in lines[3] and "“crowns” stands 2 times" in lines[4]
    assert lines[-1] == f"error: 5 faults in {path}"
    assert printed.out.startswith("1 questions are fine: 1 answerable, 0 not")


def test_validate_writes_any_format_as_native_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "s.csv", f'question,answer,article,article_text,evidence\nWhen?,1990,harbour,"{TEXT}",in 1990\n')
    out = tmp_path / "native.jsonl"
    assert main(["validate", str(path), "--out", str(out)]) == 0
    row = json.loads(out.read_text())
    assert row["evidence"] == [{"text": "in 1990", "start": 18, "end": 25}]
    assert row["tags"] == ["factoid", "date"]
    assert [plain(e) for e in load_set(out).examples] == [plain(locate(e, load_set(path).articles)) for e in load_set(path).examples]
    assert main(["validate", str(path), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.csv", "question,question\na,b\n", ":1: every column needs a name of its own"),
        ("s.csv", "question,answer\na,b,c\n", ":2: more cells than the header has"),
        ("s.csv", "question,answer\na\n", ":2: fewer cells than the header has"),
        ("s.csv", 'question,answer,article\n"two\nlines",x,\n"",x,h\n', ":2: article is None"),
        ("s.csv", 'question,answer\n"a" b,c\n', ":2: not CSV"),
        ("s.csv", "question,answers,article\na,[1,h\n", ":2: answers looks like a JSON list"),
        ("s.yaml", "- question: [a\n", "not YAML"),
        ("s.yaml", "question: a\n", ": not a list of questions"),
        ("s.yaml", "- a\n", ":1: not a mapping"),
        ("s.json", '[{"question": "a"}, 7]', "[0]: answerable, but with neither"),
        ("s.jsonl", '{"question": "a", "context": 7}', ":1: context is 7"),
        ("s.jsonl", '{"question": "a", "answerable": true, "is_impossible": true}', "contradict each other"),
    ],
)
def test_what_can_not_be_read_is_one_clear_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = put(tmp_path, name, text)
    with pytest.raises(BadInput) as fault:
        load_set(path)
    assert str(fault.value).startswith(str(path)) and said in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did it open?", "factoid"),
        ("Why did it fall?", "why"),
        ("What are the causes of the fall?", "why"),
        ("How did it fall?", "how"),
        ("How many ships came?", "factoid"),
        ("Did it fall?", "yes-no"),
        ("Isn't it open?", "yes-no"),
        ("What is a pier?", "definition"),
        ("What are the ports of call?", "list"),
        ("Summarize it", "summary"),
    ],
)
def test_question_types(question: str, expected: str) -> None:
    assert question_type(question) == expected
    assert question_type(question, ("What fell?",)) == "follow-up"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("When?", "May 1990", "date"),
        ("In what year?", "1990", "date"),
        ("How many came?", "1990", "numeric"),
        ("What did it cost?", "4 crowns", "numeric"),
        ("What did it cost?", "$3.5 million", "numeric"),
        ("Who drew it?", "Anna Berg", "person"),
        ("Where is it?", "in Lund", "place"),
        ("Which company built it?", "Amata", "organisation"),
        ("What fell?", "the old pier", "phrase"),
    ],
)
def test_answer_types(question: str, answer: str, expected: str) -> None:
    assert answer_type(question, answer) == expected
