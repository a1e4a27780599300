"""What `eval run` can be told: workers, repeats, ids, what failed before, settings; and that it asks the chat's chain."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import COMMANDS, main
from eval.chains import open_chain
from eval.figures import figures, outcomes
from eval.folder import light
from eval.run import ask_all
from rag.chain import QAChain
from rag.config import Config
from rag.types import Answer, Question
from tests.eval_fakes import ARTICLE, ARTICLES, CrashesEveryThird, Perfect, examples

Use = Callable[[Perfect], None]


@pytest.fixture
def set_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The nine questions; nothing here needs an index, so that none is made."""
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    monkeypatch.setattr("rag.build.build_index", lambda *_, **__: None)
    path = tmp_path / "set.jsonl"
    rows = [
        {"id": e.id, "question": e.question, "answers": e.answers, "answerable": e.answerable, "article": "harbour",
         "article_text": ARTICLE.text, "evidence": [{"text": x.text} for x in e.evidence]}
        for e in examples()
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    known = {"model": "m", "model_sha256": "", "chunker": "c", "format": 1}
    return lambda chain: monkeypatch.setattr("eval.chains.open_chain", lambda config: (chain, known))


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


class Twisted(Perfect):
    """Answers only when two questions are being asked at once: alone, it would wait for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._meet = threading.Barrier(2, timeout=60)

    def invoke(self, input: Question) -> Answer:
        self._meet.wait()
        return super().invoke(input)


def test_workers_ask_at_the_same_time_and_lose_nothing(set_path: Path, tmp_path: Path, use: Use) -> None:
    use(Twisted())
    out = tmp_path / "run"
    assert main(["run", str(set_path), "--workers", "2", "-n", "8", "--out", str(out)]) == 0
    assert sorted(row["id"] for row in rows(out)) == [f"q{i}" for i in range(8)]
    assert sum(row["cold"] for row in rows(out)) == 2  # the first of each worker
    assert json.loads((out / "manifest.json").read_text())["workers"] == 2


def test_ctrl_c_with_workers_keeps_what_is_done(set_path: Path, tmp_path: Path, use: Use) -> None:
    class Stops(Perfect):
        def invoke(self, input: Question) -> Answer:
            if input.text == "Who drew the new pier?":
                raise KeyboardInterrupt
            return super().invoke(input)

    out = tmp_path / "run"
    use(Stops())
    assert main(["run", str(set_path), "--workers", "3", "--out", str(out)]) == 4
    done = {row["id"] for row in rows(out)}
    assert "q3" not in done and len(done) < 9
    use(Perfect())
    assert main(["run", str(set_path), "--workers", "3", "--out", str(out), "--resume"]) == 0
    assert sorted(row["id"] for row in rows(out)) == [f"q{i}" for i in range(9)]


def test_repeats_are_rows_of_their_own_and_resume(set_path: Path, tmp_path: Path, use: Use, capsys: Any) -> None:
    class Fickle(Perfect):
        """Loses one answer on every other pass."""

        def invoke(self, input: Question) -> Answer:
            right = super().invoke(input)
            return right if self.asked.count(input.text) % 2 or input.text != "Who drew the new pier?" else super().invoke(
                Question("What did the new pier cost?")
            )

    out = tmp_path / "run"
    use(Fickle())
    assert main(["run", str(set_path), "--repeat", "3", "--out", str(out)]) == 0
    assert [(row["id"], row["repeat"]) for row in rows(out)] == [(f"q{i}", r) for r in range(3) for i in range(9)]
    held = {f.key: f for f in figures([light(row) for row in rows(out)])}
    assert (held["stable"].value, held["stable"].scored) == (pytest.approx(8 / 9), 9)
    assert (held["right"].value, held["right"].scored) == (pytest.approx(26 / 27), 27)
    assert held["right"].low < 26 / 27 - 0.05, "27 rows of 9 questions are no 27 questions"
    assert "same outcome in every repeat" in capsys.readouterr().out
    lines = (out / "results.jsonl").read_text().splitlines(keepends=True)
    (out / "results.jsonl").write_text("".join(lines[:13]))
    again = Perfect()
    use(again)
    assert main(["run", str(set_path), "--repeat", "3", "--out", str(out), "--resume"]) == 0
    assert len(again.asked) == 14 and len(rows(out)) == 27
    assert main(["run", str(set_path), "--repeat", "2", "--out", str(out), "--resume"]) == 2


def test_only_what_failed_is_asked_again(set_path: Path, tmp_path: Path, use: Use, capsys: Any) -> None:
    use(CrashesEveryThird())
    assert main(["run", str(set_path), "--out", str(tmp_path / "a")]) == 1
    chain = Perfect()
    use(chain)
    assert main(["run", str(set_path), "--filter-failing", str(tmp_path / "a"), "--out", str(tmp_path / "b")]) == 0
    assert [row["id"] for row in rows(tmp_path / "b")] == ["q2", "q5", "q8"]
    assert main(["run", str(set_path), "--filter-failing", str(tmp_path / "b")]) == 2
    assert "Nothing failed in" in capsys.readouterr().err


def test_ids_choose_a_slice_in_their_order_and_all_must_be_there(
    set_path: Path, tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = tmp_path / "slice.ids"
    ids.write_text("# two of them\nq7\nq1  # this one too\n\n")
    chain = Perfect()
    use(chain)
    assert main(["run", str(set_path), "--ids", str(ids)]) == 0
    assert chain.asked == ["What does the ferry cost?", "What had the old pier cost?"]
    ids.write_text("q7\nq99\n")
    assert main(["run", str(set_path), "--ids", str(ids)]) == 2
    assert "1 of 2 ids are not in the set, the first 'q99'" in capsys.readouterr().err


def test_settings_of_one_run_stand_in_its_manifest(
    set_path: Path, tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Perfect())
    out = tmp_path / "run"
    assert main(["run", str(set_path), "--config", "top_k=3", "--config", "answerer=sentences", "--out", str(out)]) == 0
    held = json.loads((out / "manifest.json").read_text())
    assert (held["identity"]["config"]["top_k"], held["identity"]["config"]["answerer"]) == (3, "sentences")
    assert held["seed"] and held["identity"]["set_sha256"] and held["identity"]["versions"]["torch"]
    assert main(["run", str(set_path), "--config", "topk=3"]) == 2
    assert "there is no setting 'topk'. Settings: corpus, index" in capsys.readouterr().err


def test_show_prints_the_tables_again(set_path: Path, tmp_path: Path, use: Use, capsys: Any) -> None:
    use(Perfect())
    assert main(["run", str(set_path), "--out", str(tmp_path / "a")]) == 0
    first = capsys.readouterr().out
    assert main(["show", str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out.splitlines()[:10] == first.splitlines()[:10]


def test_the_outcomes_add_up_in_the_whole_and_by_tag() -> None:
    from dataclasses import replace

    from eval.figures import groups

    tagged = [replace(e, tags=("dev", "odd") if i % 2 else ("dev",)) for i, e in enumerate(examples())]
    held = [light(row) for row in ask_all(tagged, CrashesEveryThird(), ARTICLES)]
    assert sum(outcomes(held).values()) == 9
    by_tag = {g.tag: g for g in groups(held)}
    assert {tag: (g.n, sum(g.outcomes.values())) for tag, g in by_tag.items()} == {"dev": (9, 9), "odd": (4, 4)}
    assert by_tag["odd"].outcomes == {"right": 3, "error": 1}
    assert (by_tag["odd"].right.value, by_tag["odd"].right.scored) == (0.75, 4)


def test_evaluation_and_chat_open_one_and_the_same_chain(
    config: Config, chain: QAChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both call `rag.chain.load_chain`: whatever it returns is what is measured and what is chatted with."""
    import rag.chain
    from ui.backend import Backend

    opened: list[Config] = []

    def load(wanted: Config, *shared: Any) -> QAChain:
        opened.append(wanted)
        return chain

    monkeypatch.setattr(rag.chain, "load_chain", load)
    monkeypatch.setattr("rag.build.refresh", lambda *_, **__: None)
    measured, recipe = open_chain(config)
    assert measured is chain and recipe["model"]
    backend = Backend(config)
    backend.start()
    assert backend.chain(timeout=60) is chain
    assert opened == [config, config]


def test_every_command_tells_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    overview = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in overview
        with pytest.raises(SystemExit) as done:
            main([name, "--help"])
        assert done.value.code == 0
        assert f"usage: python -m eval {name}" in capsys.readouterr().out
    assert main(["rum"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no command 'rum'.\nusage: python -m eval COMMAND")
