"""Runs → csv, json, junit.xml, markdown, ragas: the results for a spreadsheet, a program, a CI server, a pull request,
another harness."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from eval.figures import Figure
from eval.report.data import Run
from eval.score import RIGHT
from eval.table import interval

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIELDS = ("run", "id", "repeat", "outcome", "question", "gold", "answerable", "article", "tags", "short", "text")


def as_csv(runs: Sequence[Run]) -> str:
    """A line per question and run, its metrics in columns. A cell never begins like a formula."""
    names = sorted({name for run in runs for row in run.rows for name in row["metrics"]} - {"outcome"})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_FIELDS, "confidence", *names, "latency_ms", "error"])
    for run in runs:
        for row in run.rows:
            answer = row["answer"] or {}
            held = [run.name, row["id"], row.get("repeat", 0), row["metrics"]["outcome"], row["question"],
                    " | ".join(row["answers"]), row["answerable"], row["article"], " ".join(row["tags"]),
                    answer.get("short"), answer.get("text"), answer.get("confidence")]  # fmt: skip
            held += [*(row["metrics"].get(name) for name in names), row["latency_ms"], row["error"]]
            writer.writerow([_harmless(cell) for cell in held])
    return out.getvalue()


def _harmless(cell: object) -> object:
    """A spreadsheet runs what begins with = + - @; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_json(runs: Sequence[Run]) -> str:
    """The summaries, alarms and manifests; the results stay in each run's results.jsonl."""
    held = {
        run.name: {
            **run.tables.as_json(),
            "alarms": [{"name": a.name, "detail": a.detail, "ids": list(a.ids)} for a in run.alarms],
            "manifest": run.manifest,
        }
        for run in runs
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def as_junit(runs: Sequence[Run]) -> str:
    """A test suite per run and a test case per question; what is not right is a failure, what raised an error."""
    root = ElementTree.Element("testsuites", name="eval")
    for run in runs:
        outcomes = run.tables.outcomes
        errors = outcomes.get("error", 0)
        failures = run.tables.n - outcomes.get(RIGHT, 0) - errors
        suite = ElementTree.SubElement(
            root, "testsuite", name=_xml(run.name), tests=str(run.tables.n), failures=str(failures), errors=str(errors)
        )
        for row in run.rows:
            name = f"{row['id']} {row['question']}"
            seconds = f"{row['latency_ms'] / 1000:.4f}"
            held = {"classname": _xml(row["article"]), "name": _xml(name), "time": seconds}
            case = ElementTree.SubElement(suite, "testcase", held)
            if row["error"]:
                ElementTree.SubElement(case, "error", message=_xml(row["error"]))
            elif row["metrics"]["outcome"] != RIGHT:
                said = (row["answer"] or {}).get("text", "")
                failure = ElementTree.SubElement(case, "failure", message=row["metrics"]["outcome"])
                failure.text = _xml(f"gold: {' | '.join(row['answers']) or 'not in the article'}\nsaid: {said}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """The text without the characters that XML 1.0 has no way to hold."""
    return _NOT_XML.sub("�", text)


def as_markdown(runs: Sequence[Run]) -> str:
    """The figures, the outcomes and the alarms as tables."""
    parts = []
    for run in runs:
        parts.append(f"## {run.name}\n")
        parts += [f"- **{a.name}**: {a.detail}" for a in run.alarms]
        parts.append(_grid(("metric", "value", "95% interval", "n scored"), [_line(f) for f in run.tables.figures]))
        counted = [(o, str(n), f"{n / run.tables.n:.3f}") for o, n in run.tables.outcomes.items()]
        total = ("all questions", str(run.tables.n), "")
        parts.append(_grid(("outcome", "questions", "share"), [*counted, total]))
    return "\n".join(parts)


def _line(f: Figure) -> tuple[str, ...]:
    return f.name, "-" if f.value != f.value else f"{f.value:.3f}", interval(f), f"{f.scored}/{f.total}"


def _grid(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *lines)) + "\n"


def as_ragas(runs: Sequence[Run]) -> str:
    """A line per result under the names of ragas' `SingleTurnSample`; what raised has an empty response."""
    lines = []
    for run in runs:
        for row in run.rows:
            answer = row["answer"] or {}
            sample = {
                "user_input": row["question"],
                "response": answer.get("text", ""),
                "retrieved_contexts": [run.texts[key] for key in answer.get("passages", ())],
                "reference": row["answers"][0] if row["answers"] else "",
                "reference_contexts": [e["text"] for e in row["evidence"]],
            }
            lines.append(json.dumps(sample, ensure_ascii=False) + "\n")
    return "".join(lines)


WRITERS: dict[str, Callable[[Sequence[Run]], str]] = {
    ".json": as_json,
    ".csv": as_csv,
    ".junit.xml": as_junit,
    ".md": as_markdown,
    ".ragas.jsonl": as_ragas,
}
