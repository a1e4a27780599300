"""Known chains give known figures: each planted fault shows up under its own name, and nothing is dropped."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from eval.chains import Chain
from eval.cost import latencies, usage
from eval.figures import Figure, figures, outcomes, tables
from eval.folder import RunFolder, identity, light, read_results
from eval.run import ask_all, ask_and_keep
from eval.table import show
from rag.config import Config
from rag.errors import BadInput
from rag.types import Question
from tests.eval_fakes import (
    ABOUT,
    ARTICLES,
    AlwaysAnswers,
    AlwaysRefuses,
    CrashesEveryThird,
    OffByOne,
    Perfect,
    ShuffledCitations,
    answer,
    examples,
)


def asked(chain: Chain) -> list[dict[str, Any]]:
    return [light(row) for row in ask_all(examples(), chain, ARTICLES)]


def table(chain: Chain) -> dict[str, Figure]:
    return {f.name: f for f in figures(asked(chain))}


def values(chain: Chain, *names: str) -> list[float]:
    found = table(chain)
    return [found[name].value for name in names]


def test_a_perfect_chain_is_perfect() -> None:
    found = table(Perfect())
    assert outcomes(asked(Perfect())) == {"right": 9}
    zero = {"over-abstention": 0.0, "AURC (lower is better)": 0.0, "AUGRC (lower is better)": 0.0}
    share = found.pop("gold / retrieved characters")  # two sentences are retrieved, one is the evidence
    assert share.value == pytest.approx(0.5, abs=0.01)
    expected = dict.fromkeys(found, 1.0) | zero | {"coverage at 5% risk": 6 / 9}
    assert {name: f.value for name, f in found.items()} == expected
    assert (found["right"].scored, found["right"].total) == (9, 9)
    assert (found["hit@1"].scored, found["hit@1"].total) == (6, 6)
    assert (found["containment"].scored, found["yes or no right"].scored) == (5, 1)
    assert (found["right"].low, found["right"].high) == (pytest.approx(0.7008, abs=1e-4), 1.0)  # Wilson, 9 of 9


def test_always_refusing_is_no_way_to_a_good_figure() -> None:
    assert outcomes(asked(AlwaysRefuses())) == {"right": 3, "wrong abstention": 6}
    found = table(AlwaysRefuses())
    assert (found["abstention precision"].value, found["abstention recall"].value) == (pytest.approx(3 / 9), 1.0)
    assert found["abstention F1"].value == pytest.approx(2 * 3 / (9 + 3))
    assert found["over-abstention"].value == 1.0
    assert found["containment"].value == found["citation hit"].value == found["correct and cited"].value == 0.0
    assert found["em, all (SQuAD v2)"].value == pytest.approx(3 / 9)
    assert (found["citations verbatim"].scored, found["citations verbatim"].total) == (0, 9)
    assert "AURC (lower is better)" not in found  # nothing was answered


def test_always_answering_is_caught_by_abstention() -> None:
    assert outcomes(asked(AlwaysAnswers())) == {"right": 6, "answered the unanswerable": 3}
    found = table(AlwaysAnswers())
    assert found["abstention precision"].value != found["abstention precision"].value  # NaN: nothing was refused
    assert found["abstention precision"].scored == 0
    assert (found["abstention recall"].value, found["over-abstention"].value) == (0.0, 0.0)
    assert found["em, all (SQuAD v2)"].value == pytest.approx(6 / 9)
    assert found["AUROC of confidence"].value == 0.5  # the same confidence for everything
    assert found["coverage at 5% risk"].value == 0.0


def test_a_crash_is_scored_as_a_failure_and_never_dropped() -> None:
    rows = asked(CrashesEveryThird())  # q2, q5 (answerable) and q8 (not)
    assert outcomes(rows) == {"right": 6, "error": 3}
    assert [r["id"] for r in rows if r["error"]] == ["q2", "q5", "q8"]
    assert rows[2]["error"] == "RuntimeError: out of steam at What did the new pier cost?"
    found = {f.name: f for f in figures(rows)}
    assert (found["right"].value, found["right"].scored) == (pytest.approx(6 / 9), 9)
    assert (found["hit@1"].value, found["hit@1"].scored) == (pytest.approx(4 / 6), 6)
    assert (found["containment"].value, found["containment"].scored) == (pytest.approx(4 / 5), 5)
    assert (found["yes or no right"].value, found["citation hit"].value) == (0.0, pytest.approx(4 / 6))
    assert (found["abstention recall"].value, found["abstention recall"].scored) == (pytest.approx(2 / 3), 3)
    assert found["AUROC of confidence"].value == pytest.approx(4 * 2 / 18)  # who crashed loses every pair


def test_right_answers_with_wrong_citations_are_bad_citations() -> None:
    names = ("containment", "citation hit", "citations verbatim", "correct and cited")
    assert outcomes(asked(ShuffledCitations())) == {"right": 3, "bad citation": 6}
    assert values(ShuffledCitations(), *names) == [1.0, 0.0, 1.0, 0.0]
    assert outcomes(asked(OffByOne())) == {"right": 3, "bad citation": 6}
    assert values(OffByOne(), *names) == [1.0, 1.0, 0.0, 1.0]


def test_a_wrong_answer_is_the_readers_when_the_evidence_was_retrieved() -> None:
    class Misreads(Perfect):
        def invoke(self, input: Question) -> Any:
            if input.text != "When did the old pier fall?":
                return super().invoke(input)
            return answer(input, 5)  # "Ferries leave…"; second in rank is the sentence that answers

    class Misses(Misreads):
        def invoke(self, input: Question) -> Any:
            return answer(input, 2) if input.text == "When did the old pier fall?" else super().invoke(input)

    assert outcomes(asked(Misreads())) == {"right": 8, "reader miss": 1}
    assert outcomes(asked(Misses())) == {"right": 8, "retrieval miss": 1}
    assert values(Misreads(), "hit@1", "hit@3", "MRR") == pytest.approx([5 / 6, 1.0, (5 + 1 / 2) / 6])
    assert values(Misses(), "hit@1", "hit@3", "MRR") == pytest.approx([5 / 6, 5 / 6, 5 / 6])


def test_each_line_holds_the_answer_and_what_it_was_measured_by(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin({"n": 9}, resume=False)
    for row in ask_all(examples(), Perfect(), ARTICLES):
        folder.add(row)
    first, *_, last = read_results(tmp_path / "run" / "results.jsonl")
    assert (first["id"], first["answers"], first["answerable"], first["article"]) == ("q0", ["1990"], True, "harbour")
    assert first["answer"]["citations"][0]["quote"] == "The old pier fell in 1990."
    assert first["answer"]["passages"][0]["rank"] == 1
    assert (first["metrics"]["outcome"], first["metrics"]["em"], first["metrics"]["rr"]) == ("right", 1.0, 1.0)
    assert (first["cold"], last["cold"]) == (True, False)
    assert (last["answer"]["refused"], last["metrics"]["hit_at_1"]) == (True, None)


def test_a_question_no_encoding_can_hold_is_kept_all_the_same(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin({}, resume=False)
    [row, *_] = ask_all(examples(), Perfect(), ARTICLES)
    folder.add(row | {"question": "lone \ud800 surrogate – dash"})
    assert read_results(tmp_path / "results.jsonl")[0]["question"] == "lone \ud800 surrogate – dash"


def test_latency_leaves_out_the_cold_question_and_p95_of_few() -> None:
    rows = asked(Perfect())
    found = latencies(rows)
    assert list(found) == ["read", "whole question"]
    assert (found["read"]["p50"], found["read"]["n"]) == (2.0, 8)
    assert found["read"]["p95"] != found["read"]["p95"]
    twenty = [rows[1] | {"timings_ms": {"read": float(ms)}} for ms in range(1, 21)]
    assert latencies(twenty)["read"] == {"p50": 10.5, "p95": pytest.approx(19.05), "max": 20.0, "n": 20}


def manifest(n: int) -> dict[str, Any]:
    return identity("abc", examples()[:n], ARTICLES, Config(), {"model": "m"})


def test_resuming_keeps_what_is_done_and_mends_a_half_written_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(manifest(9), resume=False)
    for row in list(ask_all(examples(), Perfect(), ARTICLES))[:4]:
        folder.add(row)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"id": "q4", "question": "Whe')  # the process was killed here
    done = RunFolder(tmp_path).begin(manifest(9), resume=True)
    assert [row["id"] for row in done] == ["q0", "q1", "q2", "q3"]
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 4


def test_another_system_can_not_go_on_with_a_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(manifest(9), resume=False)
    folder.add(next(ask_all(examples(), Perfect(), ARTICLES)))
    with pytest.raises(BadInput, match="questions_sha256, n changed since it began"):
        RunFolder(tmp_path).begin(manifest(8), resume=True)
    with pytest.raises(BadInput, match="holds a run already"):
        RunFolder(tmp_path).begin(manifest(9), resume=False)


def test_the_printed_table_is_plain_and_its_outcomes_add_up() -> None:
    console = Console(width=120, force_terminal=False)
    with console.capture() as printed:
        show(tables(asked(CrashesEveryThird()), 1.5), console)
    lines = [" ".join(line.split()) for line in printed.get().splitlines()]
    assert "hit@1 0.667 0.300 to 0.903 6/6" in lines
    assert "right 6 0.667" in lines and "error 3 0.333" in lines and "all questions 9" in lines
    assert "cold start (opening the chain to its first answer): 1.5 s" in lines
    assert printed.get().isascii()


def test_the_summary_is_plain_json() -> None:
    held = json.loads(json.dumps(tables(asked(AlwaysAnswers()), None).as_json(), allow_nan=False))
    assert (held["n"], held["outcomes"]) == (9, {"right": 6, "answered the unanswerable": 3})
    [precision] = [f for f in held["figures"] if f["name"] == "abstention precision"]
    assert (precision["value"], precision["scored"], precision["total"]) == (None, 0, 9)


def test_a_language_models_share_is_counted_and_its_cache_is_no_latency() -> None:
    def said(**more: Any) -> dict[str, Any]:
        return {"usage": {"input_tokens": 100, "output_tokens": 20, "seconds": 0.5}, "cached": False, "fault": None} | more

    rows = [dict(row) for row in ask_all(examples(), Perfect(), ARTICLES)]
    for i, generated in ((1, said()), (2, said(cached=True)), (3, said(usage={}, fault="refused the connection"))):
        rows[i]["answer"] = rows[i]["answer"] | {"llm": generated}
    held = [light(row) for row in rows]
    assert usage(held) == {"asked": 2, "cached": 1, "fell_back": 1, "input_tokens": 100, "output_tokens": 20, "seconds": 0.5}
    assert latencies(held)["whole question"]["n"] == 7  # of nine, one was cold and one cached
    assert usage(asked(Perfect())) == {}


def test_memory_stays_flat_however_many_are_asked(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    many = [replace(e, id=f"{e.id}-{i}") for i in range(250) for e in examples()]
    folder.begin(identity("s", many, ARTICLES, Config(), {}), resume=False)
    ask_and_keep(many[:225], Perfect(), folder, [])
    tracemalloc.start()
    chain = Forgetful()
    ask_and_keep(many[225:], chain, folder, [])
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(1 for _ in folder.results.open()) == 2250
    assert grown < 300_000, "2,025 rows of 2 kB are on disk, not in memory"


class Forgetful(Perfect):
    """Does not keep what it was asked."""

    def invoke(self, input: Question) -> Any:
        self.asked.clear()
        return super().invoke(input)


def test_an_overview_that_searched_nothing_has_no_ranking_to_score() -> None:
    class Overview(Perfect):
        def invoke(self, input: Question) -> Any:
            right = super().invoke(input)
            return replace(right, passages=()) if input.text == next(iter(ABOUT)) else right

    found = table(Overview())
    assert (found["hit@1"].value, found["hit@1"].scored, found["hit@1"].total) == (1.0, 5, 6)
    assert found["right"].value == 1.0
