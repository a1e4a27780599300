"""Around a run: the sweep, the benchmark page, the thumbs of the chat, a judge, the export to ragas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from eval import judge, whole
from eval.__main__ import main
from eval.bench import END, START, Part, _place, page
from eval.feedback import sort
from eval.figures import tables
from eval.folder import RunFolder, identity, light
from eval.formats import load_set
from eval.run import ask_all
from eval.variants import StockChain, with_retriever
from rag.chain import QAChain
from rag.config import Config
from rag.errors import BadInput
from rag.types import Answer, Question
from tests.conftest import HARBOUR
from tests.eval_fakes import ARTICLES, AlwaysAnswers, AlwaysRefuses, Perfect, answer, examples

ROOT = Path(__file__).parents[1]


def kept(folder: Path, chain: Perfect) -> Path:
    run = RunFolder(folder)
    run.begin(identity("abc", examples(), ARTICLES, Config(), {}), resume=False)
    for row in ask_all(examples(), chain, ARTICLES):
        run.add(row)
    return folder


# the grid


def test_the_sweep_prints_a_line_per_cell_and_keeps_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    path = ROOT / "eval" / "questions" / "squad-sample.json"
    out = tmp_path / "cells"
    arguments = ["--retrievers", "dense,bm25,hybrid", "--readers", "sentences", "--top-k", "1,2", "--out", str(out)]
    assert main(["sweep", str(path), "--filter", "article=imperialism", *arguments]) == 0
    printed = capsys.readouterr().out
    names = [f"{r}-sentences-{k}" for r in ("dense", "bm25", "hybrid") for k in (1, 2)]
    assert [line.split()[0] for line in printed.splitlines()[1:7]] == names
    assert sorted(p.name for p in out.iterdir()) == sorted(names)
    rows = [json.loads(line) for line in (out / "bm25-sentences-1" / "results.jsonl").read_text().splitlines()]
    assert len(rows) == 9 and {len(row["answer"]["passages"]) for row in rows} == {1}
    assert main(["compare", str(out / names[0]), str(out / names[5])]) == 0
    assert "config top_k: 1 in A, 2 in B" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--retrievers", "magic"], ["--readers", "oracle"], ["--top-k", "0"], ["--top-k", "x"]])
def test_a_grid_that_can_not_be_run_is_said_at_once(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "nowhere.jsonl", *options]) == 2
    assert capsys.readouterr().err.startswith(f"error: {options[0]} {options[1]}: ")


def test_each_retriever_ranks_by_its_own_light(chain: QAChain) -> None:
    held = chain.retriever
    try:
        question = Question("Where do ships carry salt?", article_id="harbour")
        for kind in ("dense", "bm25", "hybrid"):
            said = with_retriever(chain, kind, 1).invoke(question)
            assert [h.passage.article_id for h in said.passages] == ["harbour"], kind
        none = with_retriever(chain, "bm25", 4).retriever.search("zebra quagga", "harbour")
        assert none.hits == (), "no word in common: BM25 finds nothing"
        with pytest.raises(BadInput, match="no retriever 'magic'. There are: dense, bm25, hybrid"):
            with_retriever(chain, "magic", 1)
    finally:
        chain.retriever = held


# the benchmark page


def test_the_stock_pipeline_answers_with_its_best_chunk_and_never_refuses(chain: QAChain) -> None:
    stock = StockChain(chain, ["harbour"], lambda *_: None)
    for text in ("Who lit the first lamp?", "Who won the world cup?"):
        said = stock.invoke(Question(text, article_id="harbour"))
        assert not said.refused and said.citations[0].quote in HARBOUR.text
        assert said.text == f"{said.citations[0].quote} [1]"


def test_the_page_has_a_line_per_system_with_intervals() -> None:
    made = [(n, tables([light(r) for r in ask_all(examples(), c, ARTICLES)], None), 30.0)
            for n, c in (("stock", AlwaysAnswers()), ("ours", Perfect()))]  # fmt: skip
    text = page(Part("Nine questions", made, ["Answered with whole sentences."]))
    lines = text.splitlines()
    assert lines[0] == "**Nine questions**"
    assert lines[4].startswith("| stock | 1.000 (0.61–1.00) | 0.667 (0.35–0.88) |")
    assert lines[5].startswith("| ours | 1.000 (0.61–1.00) | 1.000 (0.70–1.00) |")
    assert len({line.count("|") for line in lines[2:6]}) == 1
    assert "Note: Answered with whole sentences." in text


def test_the_page_is_put_between_its_two_comments_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    assert _place(path, "new") == f"before\n{START}\nnew\n{END}\nafter\n"
    path.write_text(f"before {START} after")
    with pytest.raises(BadInput, match="has no place for the page"):
        _place(path, "new")
    assert main(["bench", "--write", str(path)]) == 2, "found out before anything is asked"


def test_the_readme_has_a_place_for_the_page() -> None:
    assert _place(ROOT / "README.md", "x")


def test_the_slice_is_200_ids_and_the_sample_is_attributed() -> None:
    from eval.choose import read_ids

    assert len(set(read_ids(ROOT / "eval" / "questions" / "squad-dev-a-200.ids"))) == 200
    sample = ROOT / "eval" / "questions" / "squad-sample.json"
    assert "CC BY-SA 4.0" in json.loads(sample.read_text())["attribution"]
    assert [e.tags[0] for e in load_set(sample).examples] == ["dev"] * 18


# the chat's thumbs


def thumb(**changes: Any) -> dict[str, Any]:
    row = {"id": "f1", "question": "When did the old pier fall?", "answers": ["1990"], "answerable": True,
           "article": "harbour", "evidence": [{"text": "The old pier fell in 1990.", "start": 0, "end": 26}],
           "history": [], "tags": ["feedback", "thumbs-up", "dev"]}  # fmt: skip
    return row | changes


def test_thumbs_become_questions_or_work_and_none_is_lost() -> None:
    rows = [
        thumb(),
        thumb(id="f2", question="Who drew it?", tags=["feedback", "thumbs-down", "to-check"]),
        thumb(id="f3", question="Where?", evidence=[{"text": "It is in Lund.", "start": 9, "end": 23}]),
        thumb(id="f4", question="Who is the mayor?", answers=[], answerable=False, evidence=[]),
        thumb(id="f5", question="How?", article=None),
        thumb(id="f6", question="when did the old pier fall? ", answers=["in 1990"]),  # f1 again, later
    ]
    found = sort([(f"feedback.jsonl:{i}", row) for i, row in enumerate(rows, start=1)], ARTICLES)
    assert [row["id"] for row in found.kept] == ["f4", "f6"]
    assert found.kept[0]["tags"] == ["feedback", "thumbs-up", "dev", "factoid", "unanswerable"]
    assert [(row["id"], row["check"]) for row in found.todo] == [
        ("f2", "someone thought this answer wrong: correct the row, and remove the tag to-check."),
        ("f3", "the evidence “It is in Lund.” is not in harbour near offset 9. Quote it verbatim."),
        ("f5", "article is None; it must be text that is not empty."),
    ]
    assert found.repeated == 1
    mended = {**found.todo[0], "tags": ["feedback"]}
    assert [row["id"] for row in sort([("x:1", mended)], ARTICLES).kept] == ["f2"], "corrected, it is a question"


def test_feedback_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "harbour.md").write_text("# The harbour\n\n" + ARTICLES["harbour"].text + "\n")
    monkeypatch.setenv("RAG_CORPUS", str(tmp_path / "corpus"))
    file, out = tmp_path / "feedback.jsonl", tmp_path / "set.jsonl"
    file.write_text(json.dumps(thumb()) + "\n" + json.dumps(thumb(id="f2", question="Who?", tags=["to-check"])) + "\n")
    assert main(["from-feedback", str(file), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("2 thumbs: 1 questions in")
    assert [e.id for e in load_set(out).examples] == ["f1"]
    assert json.loads((tmp_path / "set.todo.jsonl").read_text())["id"] == "f2"
    assert main(["validate", str(out)]) == 0
    assert main(["from-feedback", str(file), "--out", str(out)]) == 2, "nothing is written over"
    assert main(["from-feedback", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 2
    assert "RAG_FEEDBACK=1 makes the chat write it" in capsys.readouterr().err


# the judge


class Reads(BaseChatModel):
    """A chat model that does judge: a nugget is stated when its words are, a sentence supported when they are quoted."""

    asked: list[str] = []
    broken: int = 0

    @property
    def _llm_type(self) -> str:
        return "reads"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:  # fmt: skip
        shown = json.loads(str(messages[-1].content))
        self.asked.append(shown["question"])
        verdict = {
            "nuggets": [n in shown["answer"] for n in shown["nuggets"]],
            "supported": [any(s["text"] in quote for quote in s["quotes"]) for s in shown["sentences"]],
        }
        text = f"Here it is:\n```json\n{json.dumps(verdict)}\n```"
        if len(self.asked) <= self.broken:
            text = "I would rather not say."
        usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, usage_metadata=usage))])  # type: ignore[arg-type]


class Overstates(Perfect):
    """Adds a sentence that cites nothing, and for one question says what its quote does not."""

    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        if right.refused:
            return right
        if input.text == "Who drew the new pier?":
            return replace(answer(input, 3), text="She drew every pier in Europe. [1]")
        return replace(right, text=f"{right.text} Everyone agrees.")


def judged(folder: Path, model: Reads, *options: str) -> tuple[int, dict[str, Any]]:
    import argparse

    parser = argparse.ArgumentParser()
    judge.arguments(parser)
    code = judge.main(parser.parse_args([str(folder), "--model", "test:reads", *options]), lambda name: model)
    return code, json.loads((folder / "judge.json").read_text())


def test_the_judge_counts_nuggets_support_and_its_own_cost(tmp_path: Path) -> None:
    out = kept(tmp_path / "run", Overstates())
    results = (out / "results.jsonl").read_bytes()
    code, held = judged(out, Reads(asked=[]), "--price", "1,10")
    assert (code, held["n"], held["judged"], held["unjudged"]) == (0, 6, 6, 0)  # the three refusals are not asked
    assert held["nugget_recall"] == pytest.approx(5 / 6, abs=1e-4)
    assert held["support"] == pytest.approx((5 * 1 / 2 + 0) / 6, abs=1e-4)
    assert (held["tokens_in"], held["tokens_out"], held["cost"]) == (600, 60, (600 * 1 + 60 * 10) / 1e6)
    assert held["prompt"].startswith("1 (")
    assert (out / "results.jsonl").read_bytes() == results, "an opinion is in no figure of the run"


def test_an_unreadable_opinion_is_unjudged_and_asked_again(tmp_path: Path) -> None:
    out = kept(tmp_path / "run", Perfect())
    _, held = judged(out, Reads(asked=[], broken=2))
    assert (held["judged"], held["unjudged"], held["nugget_recall"], held["nugget_recall_n"]) == (4, 2, 1.0, 4)
    again = Reads(asked=[])
    _, held = judged(out, again)
    assert (len(again.asked), held["judged"], held["unjudged"]) == (2, 6, 0)


def test_the_report_shows_the_opinion_apart(tmp_path: Path) -> None:
    out = kept(tmp_path / "run", Overstates())
    assert main(["report", str(out)]) == 0
    assert "model&#39;s opinion" not in (out / "report.html").read_text()
    judged(out, Reads(asked=[]))
    assert main(["report", str(out)]) == 0
    text = (out / "report.html").read_text()
    assert "A model's opinion of run" in text and "By test:reads" in text and "<td>0.417</td>" in text


def test_a_judge_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RAG_LLM", raising=False)
    out = kept(tmp_path / "run", Perfect())
    assert main(["judge", str(out)]) == 2
    assert "give --model provider:model, or set RAG_LLM" in capsys.readouterr().err
    assert main(["judge", str(out), "--model", "nobody:nothing"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: The model 'nobody:nothing' can not be used: ") and err.count("\n") == 1
    assert main(["judge", str(kept(tmp_path / "refused", AlwaysRefuses())), "--model", "nobody:nothing"]) == 2
    assert "holds no answer to judge" in capsys.readouterr().err


@pytest.mark.parametrize("reply", ["", "{}", '{"nuggets": [1], "supported": [true]}', '{"nuggets": [true], "supported": []}'])
def test_a_reply_with_the_wrong_shape_is_not_believed(reply: str) -> None:
    with pytest.raises(ValueError):
        judge._read(reply, 1, 1)


# ragas


def test_the_export_has_ragas_names_and_reads_back_as_a_set(tmp_path: Path) -> None:
    out = kept(tmp_path / "run", Perfect())
    path = tmp_path / "run.ragas.jsonl"
    assert main(["report", str(out), "-o", str(path)]) == 0
    samples = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(samples[0]) == ["user_input", "response", "retrieved_contexts", "reference", "reference_contexts"]
    assert samples[0]["response"] == "The old pier fell in 1990. [1]"
    assert samples[0]["retrieved_contexts"] == ["The old pier fell in 1990.", "It had cost 4 crowns."]
    answerable: Sequence[dict[str, Any]] = [s for s in samples if s["reference"]]
    path.write_text("\n".join(json.dumps(s) for s in answerable))
    assert [e.answers for e in load_set(path).examples] == [e.answers[:1] for e in examples()[:6]]


def test_the_threshold_of_one_run_scores_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the calibration run would refuse is refused in the reported one: rightly where nothing answers, else not."""

    def written(name: str, *asked: tuple[bool, float]) -> str:
        rows = [
            {
                "id": str(number),
                "metrics": {"outcome": ""},
                "answerable": here,
                "answers": ["56"] if here else [],
                "answer": {"refused": False, "confidence": sure, "short": "56", "text": "It lost 56."},
            }
            for number, (here, sure) in enumerate(asked)
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        return str(tmp_path / name)

    tuned = written("tuned", (True, 0.9), (True, 0.7), (False, 0.5))
    assert whole.main([tuned, written("reported", (True, 0.8), (False, 0.5), (True, 0.3), (False, 0.7))]) == 0
    printed = capsys.readouterr().out
    assert "threshold 0.60" in printed
    assert "F1, all          0.500   n=4" in printed
    assert whole.main([tuned, written("empty")]) != 0
    assert "python -m eval run" in capsys.readouterr().err
