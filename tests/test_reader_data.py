"""What the reader is trained on: answers at their places, and questions that their passage does not answer."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
import torch

from rag.reader import data, export, mix, negatives, news, train, untold, wordings, words
from rag.reader.examples import Example
from rag.reader.verdicts import as_yes_no, other_answer

FARM = (
    "The Alder farm was founded in 1850 by Ruth Alder. She sold 40 sheep to the town of Brock in 1861. "
    "Her rival Tom Birch sold 75 sheep to the town of Crane."
)
DAM = (
    "The river was dammed in 1902 to light the town of Brock. The Brock dam cost 900 pounds. "
    "Its builder, Anna Voss, had studied in Delft before she came to the valley."
)
ASKED = [
    (FARM, "When was the Alder farm founded?", "1850"),
    (FARM, "How many sheep did Ruth Alder sell?", "40"),
    (FARM, "Who founded the Alder farm?", "Ruth Alder"),
    (DAM, "Where did Anna Voss study?", "Delft"),
    (DAM, "How much did the Brock dam cost?", "900 pounds"),
]


def squad(folder: Path, title: str) -> Path:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {"question": q, "answers": [{"text": a, "answer_start": context.index(a)}]}
                for text, q, a in ASKED
                if text == context
            ],
        }
        for context in (FARM, DAM)
    ]
    file = folder / f"{title}.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"data": [{"title": title, "paragraphs": paragraphs}]}).encode()))
    return file


def examples(folder: Path, seeds: int = 40) -> list[Example]:
    """Those of many draws, so that each way to make one has its turn."""
    made = []
    for seed in range(seeds):
        rng = random.Random(seed)
        asked = data.read_squad(squad(folder, "Farms"), None, rng)
        made += data.squad_examples(asked, rng, lambda text: 4 * len(text.split()))
    return made


def test_the_reported_articles_are_never_read(tmp_path: Path) -> None:
    for title in data.REPORTED:
        assert data.read_squad(squad(tmp_path, title), None, random.Random(0)) == {}
    assert not data.REPORTED & (data.TRAINING | data.CALIBRATION)
    assert not data.TRAINING & data.CALIBRATION


def test_every_answer_stands_where_its_span_says(tmp_path: Path) -> None:
    answers = {a for _, _, a in ASKED}
    taught = [e for e in examples(tmp_path) if e.span]
    assert len(taught) > 200
    for e in taught:
        assert e.span and e.passage[slice(*e.span)] in answers


def test_no_made_question_is_one_that_the_passage_answers(tmp_path: Path) -> None:
    asked = {(q, a) for _, q, a in ASKED}
    sources = set()
    for e in examples(tmp_path):
        if e.here:
            continue
        sources.add(e.source)
        assert e.span is None
        answer = next((a for q, a in asked if q == e.question), None)
        if e.source in ("other-passage", "same-paragraph"):
            assert answer and answer not in e.passage, "the same question, where its answer is not"
        else:
            assert answer is None, "another question"
    assert {"other-passage", "swapped-held", "swapped-entity"} <= sources <= data.MADE


def test_a_name_of_the_passage_takes_the_place_of_the_one_that_is_asked_about() -> None:
    evidence = (FARM.index("She"), FARM.index(" Her rival"))
    made = {
        negatives.swap_held("How many sheep were sold to Brock?", FARM, evidence, "40", random.Random(n))
        for n in range(20)
    }
    assert made - {None}
    assert all(question and "Brock" not in question for question in made)


@pytest.mark.parametrize(
    ("question", "answer", "asked"),
    [
        ("When was it founded?", "1850", "Was it founded in 1850?"),
        ("When did it open?", "May 3, 1901", "Did it open on May 3, 1901?"),
        ("What did she sell in 1861?", "40 sheep", "Did she sell 40 sheep in 1861?"),
        ("Who founded the farm?", "Ruth", "Was it Ruth that founded the farm?"),
        ("Why did she leave?", "the war", None),
        ("What did she do?", "left", None),
    ],
)
def test_a_question_and_its_answer_make_a_yes_no_question(question: str, answer: str, asked: str | None) -> None:
    assert as_yes_no(question, answer) == asked


def test_another_answer_is_of_the_same_type_and_not_the_answer() -> None:
    for seed in range(20):
        other = other_answer("40 sheep", "How many?", FARM, ["1999", "Brock"], random.Random(seed))
        assert other == "75 sheep", "1850 and 1861 are years"
    assert other_answer("grey", "Which colour?", FARM, ["Brock"], random.Random(0)) is None


def test_the_encoder_tells_other_words_from_other_things() -> None:
    assert "physicians" in words.synonyms("doctors")
    assert {"nurses", "farmers"} & set(words.relatives("doctors")) and "physicians" not in words.relatives("doctors")
    assert "smallest" not in words.synonyms("largest"), "an opposite stands in the same places"
    assert not set(words.synonyms("seven")) & {"six", "eight"}
    assert words.synonyms("Brock") == () == words.relatives("Brock"), "a name"


def test_rewording_keeps_the_names_and_numbers_that_are_asked_about() -> None:
    made = {
        wordings.reword("How many sheep did Ruth sell in 1861?", FARM, words.synonyms, random.Random(n))
        for n in range(60)
    }
    assert len(made) > 8
    assert all("Ruth" in question and "1861" in question for question in made)


@pytest.mark.parametrize(
    ("asked", "passage"),
    [
        (untold.ask_which("How many farms did she sell?", "She sold two farms, Alder and Birch."), "they are listed"),
        (untold.ask_who("When was the dam built?", "Anna Voss built the dam."), "its builder is named"),
        (untold.ask_who("When was the dam built?", "It was built by monks in 1902."), "its builders are told"),
        (untold.ask_duration("When did she run it?", "She ran it from 1902 until 1910."), "a time that passes"),
        (untold.ask_name("Who built it?", "a monk", "A monk built it. Anna Voss paid."), "a name to offer"),
        (
            untold.ask_other("Who led it?", "Ruth Alder", "Ruth Alder led it with Tom Birch.", random.Random(0)),
            "another",
        ),
        (untold.ask_why("When did she leave?", "She left because of the war.", random.Random(0)), "a reason"),
        (untold.ask_time("Where did she study?", "She studied in Delft in 1880.", random.Random(0)), "a year"),
    ],
)
def test_nothing_is_asked_that_the_passage_might_tell(asked: str | None, passage: str) -> None:
    assert asked is None, passage


def test_the_news_questions_are_read_with_passages_that_answer_them_and_with_others(tmp_path: Path) -> None:
    at, end = FARM.index("She sold"), FARM.index(" Her rival")
    row = {"article": "farm", "history": [], "tags": []}
    told = {"text": FARM[at:end], "start": at, "end": end}
    twin = {"at": end, "text": "Ruth, then 44, never spoke of it.", "answer": "44"}
    rows = [
        row | {"question": "What number of sheep?", "answers": ["40 sheep"], "evidence": [told], "article_text": FARM},
        row | {"question": "Did Ruth keep all her sheep?", "answers": ["no"], "evidence": [told]},
        row | {"question": "How old was Ruth?", "answers": [], "evidence": [], "twin": twin},
    ]
    file = tmp_path / "news.jsonl"
    file.write_text("\n".join(json.dumps(r) for r in rows))
    made = list(news.news_examples(file, random.Random(0), lambda text: 4 * len(text.split()), times=6))
    number, verdict, age = ([e for e in made if e.question == r["question"] and e.here] for r in rows)
    assert {e.passage[slice(*e.span)] for e in number if e.span} == {"40 sheep"}
    assert {(e.span, e.yes) for e in verdict} == {(None, False)}
    assert {e.passage[slice(*e.span)] for e in age if e.span} == {"44"} and all(e.span for e in age)
    for e in made:
        if not e.here:
            assert ("44" if e.question == "How old was Ruth?" else "40 sheep") not in e.passage
    asked = [sum(e.question == r["question"] and e.here == here for e in made) for r in rows for here in (True, False)]
    assert min(asked) > 0, "every question stands on both sides"


def test_training_learns_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    rows = train.rows_of([e for e in examples(tmp_path, seeds=1) if e.source != "yes-no"][:8])
    trainer = train.Trainer(tmp_path, seed=1)
    losses = [trainer.step(rows, 2e-4) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]
    trainer.save()
    again = train.Trainer(tmp_path, seed=2)
    again.load()
    assert again.steps == 12
    assert again.step(rows, 0.0) == pytest.approx(trainer.step(rows, 0.0), rel=0.05)
    fresh = train.Trainer(tmp_path, seed=3)
    fresh.load(tmp_path / "checkpoint.pt")
    assert (fresh.steps, fresh.seconds) == (0, 0.0)


def test_two_runs_average_and_a_run_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("one", 0.0), ("other", 8.0)):
        (tmp_path / name).mkdir()
        torch.save({"average": {"w": torch.full((2,), value)}}, tmp_path / name / "checkpoint.pt")
    folders = [str(tmp_path / name) for name in ("one", "other")]
    assert mix.main([*folders, "--share", "0.25", "--out", str(tmp_path / "mixed")]) == 0
    assert export.checkpoint(tmp_path / "mixed")["w"].tolist() == [2.0, 2.0]
    assert mix.main([folders[0], str(tmp_path / "none"), "--out", str(tmp_path / "not")]) == 2
    assert "is not there. Make it with" in capsys.readouterr().err
    assert export.main(["--work", str(tmp_path / "none"), "--out", str(tmp_path / "not")]) == 2
    assert "is not there. Make it with" in capsys.readouterr().err
    assert not (tmp_path / "not").exists()
    assert mix.main([*folders, "--share", "4", "--out", str(tmp_path / "not")]) == 2
