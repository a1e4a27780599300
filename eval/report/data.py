"""Runs → what the page holds: their tables, and one compact object per question with what each run said to it.

The trap that lives here is size: eight passages a question are six kilobytes, most of them the same again and again.
Each passage stands once in `texts`, and the questions refer to it by number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.alarms import Alarm, alarms
from eval.figures import Tables, tables
from eval.folder import Row, light, read_manifest, stream_results
from rag.errors import BadInput

_CITATION = ("number", "article", "start", "end", "quote")


@dataclass(frozen=True, slots=True)
class Run:
    """One run, without its passages. `judge` is what `eval judge` left in the folder, if it did."""

    name: str
    manifest: Mapping[str, Any]
    tables: Tables
    alarms: Sequence[Alarm]
    rows: Sequence[Row]
    lights: Sequence[Row]
    texts: Mapping[tuple[str, int, int], str]
    judge: Mapping[str, Any] = field(default_factory=dict)


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """BadInput when one of them is no run."""
    names = _names(folders)
    return [_read(folder, name) for folder, name in zip(folders, names, strict=True)]


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, or their paths when two are called the same."""
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _read(folder: Path, name: str) -> Run:
    manifest = read_manifest(folder)
    texts: dict[tuple[str, int, int], str] = {}
    rows, lights = [], []
    for row in stream_results(folder / "results.jsonl"):
        lights.append(light(row))
        rows.append(_slim(row, texts))
    if not rows:
        raise BadInput(f"{folder} holds no answered question: there is nothing to report.")
    known = manifest.get("identity", {})
    wanted = known["n"] * known.get("repeat", 1) if "n" in known else None
    made = tables(lights, manifest.get("cold_start_s"))
    return Run(name, manifest, made, alarms(lights, wanted), rows, lights, texts, _judged(folder))


def _slim(row: Row, texts: dict[tuple[str, int, int], str]) -> Row:
    """The row with its passages as keys into `texts`."""
    answer = row.get("answer")
    if not answer:
        return row
    keys = []
    for p in answer.get("passages", ()):
        key = (p["article"], p["start"], p["end"])
        texts.setdefault(key, p["text"])
        keys.append(key)
    return {**row, "answer": {**answer, "passages": keys}}


def _judged(folder: Path) -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
        return held
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise BadInput(f"{folder}/judge.json can not be read ({fault}). Remove it, or judge again.") from None


def page_data(runs: Sequence[Run]) -> dict[str, Any]:
    """`texts`: passages as [article, start, text]; `questions`: what was asked; each with `results`, one per run."""
    texts: dict[tuple[str, int, int], int] = {}
    held: list[list[Any]] = []
    questions: dict[tuple[str, int], dict[str, Any]] = {}
    for i, run in enumerate(runs):
        for key, text in run.texts.items():
            if key not in texts:
                texts[key] = len(held)
                held.append([key[0], key[1], text])
        for row in run.rows:
            question = questions.setdefault((row["id"], row.get("repeat", 0)), _question(row, len(runs)))
            question["results"][i] = _result(row, texts)
    return {"runs": [run.name for run in runs], "texts": held, "questions": list(questions.values())}


def _question(row: Row, runs: int) -> dict[str, Any]:
    again = f" ({row['repeat'] + 1})" if row.get("repeat") else ""
    return {
        "id": row["id"] + again,
        "q": row["question"],
        "history": row["history"],
        "golds": row["answers"],
        "answerable": row["answerable"],
        "article": row["article"],
        "evidence": [[e["start"], e["end"], e["text"]] for e in row["evidence"]],
        "tags": row["tags"],
        "results": [None] * runs,
    }


def _result(row: Row, texts: Mapping[tuple[str, int, int], int]) -> dict[str, Any]:
    answer = row["answer"] or {}
    nearest = answer.get("nearest")
    return {
        "outcome": row["metrics"]["outcome"],
        "error": row["error"],
        "short": answer.get("short"),
        "text": answer.get("text", ""),
        "query": answer.get("query", ""),
        "refused": row["metrics"]["refused"],
        "confidence": answer.get("confidence"),
        "citations": [[c[key] for key in _CITATION] for c in answer.get("citations", ())],
        "nearest": nearest["quote"] if nearest else None,
        "passages": [texts[key] for key in answer.get("passages", ())],
        "metrics": {k: v for k, v in row["metrics"].items() if isinstance(v, float) and k != "gold_share"},
        "ms": answer.get("timings_ms", {}),
        "latency": row["latency_ms"],
    }
