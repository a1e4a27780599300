"""`python -m eval retrieval`: four retrievers on one small SQuAD-shaped set, with the real encoder and Chroma."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.retrieval import Asked, Once, located, searched, show, within
from eval.sets import Evidence, Example
from rag.embed import MiniLM

PARAGRAPHS = {
    "Bees": [
        "A honeybee that comes home from a field of clover dances on the comb. The angle tells where to fly.",
        "Karl von Frisch described the dance in 1927. Few of his colleagues believed him at first.",
        "Smoke calms a hive, because the bees fill their stomachs with honey before they flee.",
        "In winter the bees form a ball around their queen and shiver to keep her at 25 degrees.",
    ],
    "Tides": [
        "Twice a day the sea in the Bay of Fundy rises by as much as 16 metres, higher than anywhere else.",
        "Engineers have tried to harvest that motion since 1910. The newest turbine was lowered in 2016.",
        "Fishers fear for lobster and herring, and they have asked the courts to stop the next attempt.",
    ],
}
ASKED = [
    ("Bees", 1, "Who described the dance?", "Karl von Frisch"),
    ("Bees", 2, "What calms a hive?", "Smoke"),
    ("Bees", 3, "How warm do bees keep the queen?", "25 degrees"),
    ("Tides", 0, "How high does the sea rise in the Bay of Fundy?", "16 metres"),
    ("Tides", 2, "What are fishers afraid for?", "lobster and herring"),
]


@pytest.fixture
def squad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    monkeypatch.setenv("RAG_PASSAGE_TOKENS", "32")  # about a paragraph here
    data = []
    for title, contexts in PARAGRAPHS.items():
        paragraphs = []
        for n, context in enumerate(contexts):
            qas = [
                {"id": f"{title}{n}", "question": q, "answers": [{"text": a, "answer_start": context.index(a)}]}
                for t, at, q, a in ASKED
                if (t, at) == (title, n)
            ]
            paragraphs.append({"context": context, "qas": qas})
        data.append({"title": title, "paragraphs": paragraphs})
    impossible = {"id": "no", "question": "Who bred the queen?", "is_impossible": True, "answers": []}
    data[0]["paragraphs"][0]["qas"].append(impossible)  # type: ignore[index]
    path = tmp_path / "set.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"data": data}).encode()))
    return path


def test_four_retrievers_stand_side_by_side(squad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retrieval", str(squad)]) == 0
    out = capsys.readouterr().out
    rows = {name: line.split() for line in out.splitlines() for name in ("stock", "dense", "BM25", "hybrid")
            if line.startswith(name) and "over" not in line}  # fmt: skip
    assert list(rows) == ["stock", "dense", "BM25", "hybrid"]
    assert {row[-1] for row in rows.values()} == {"5"}
    # chunk chars, then hit@1 and its interval; five of five have a Wilson interval from 0.566
    assert rows["hybrid"][2:4] == ["1.000", "0.566–1.000"]
    # a stock chunk of 1,000 characters is a whole article here: it can not miss
    assert rows["stock"][3] == "1.000" and int(rows["stock"][2]) > 3 * int(rows["hybrid"][1])
    assert re.search(r"hybrid over stock dense, hit@1: \+0.0 points .95% interval", out)
    assert "left out of 6: 1 questions without gold evidence in the article, 0 that the chain answers without" in out


def test_a_set_without_evidence_is_refused(squad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retrieval", str(squad), "--filter", "answerable=false"]) == 2
    assert capsys.readouterr().err.endswith("has gold evidence to look for.\n")


def test_what_the_chain_answers_without_a_search_is_no_question_of_retrieval() -> None:
    def example(question: str, *history: str) -> Example:
        return Example("1", question, ("x",), True, "bees", (Evidence("x", 0, 1),), history)

    kept = searched([example("Summarize the article"), example("And in 1927?", "Who saw the bees dance?")], 100)
    assert kept == [Asked("Who saw the bees dance in 1927?", "bees", ((0, 1),))]


def test_equal_reading_cuts_the_last_chunk_off() -> None:
    assert within(10, [(0, 4), (50, 60), (70, 80)]) == [(0, 4), (50, 56)]
    assert located(["a b", "b a"], "a b a") == [(0, 3), (2, 5)]


def test_a_question_is_embedded_once_for_all_retrievers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(MiniLM, "embed_query", lambda _, text: [float(len(asked.append(text) or asked))])
    once = Once(MiniLM())
    assert [once.embed_query("Who?"), once.embed_query("Who?"), once.embed_query("Why?")] == [[1.0], [1.0], [2.0]]


def test_the_table_says_what_an_interrupted_run_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    spans = [[(0, 10)], [(0, 10)]]
    ranked = {name: spans for name in ("stock dense", "dense", "BM25", "hybrid")}
    asked = [Asked("?", "bees", ((2, 4),)), Asked("?", "bees", ((20, 24),)), Asked("?", "bees", ((2, 4),))]
    show(ranked, asked, 8, Console(width=120))
    out = capsys.readouterr().out
    assert "0.500" in out and "incomplete: 1 of 3 questions are missing." in out
