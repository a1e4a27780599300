"""Ask every question of a set and keep a line for each: DIR/results.jsonl, DIR/manifest.json, DIR/summary.json.

A line is written when its question is done, so Ctrl-C, a crash or a full disk loses at most one answer and
`--resume` goes on. The trap that lives here is mixing: a resumed run must be the same set, articles,
configuration and versions, or its mean is of two systems. `identity` in the manifest is compared for that.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.chains import Chain
from eval.score import score
from eval.sets import Example
from rag.config import Config
from rag.errors import BadInput, RagError
from rag.types import Answer, Article, Question

Row = dict[str, Any]
"""One line of results.jsonl: id, question, history, answers, answerable, article, evidence, tags, answer
(`Answer.as_json()`, or null), error (null, or what was raised), metrics, latency_ms, cold."""

PACKAGES = ("article-chatbot", "torch", "sentence-transformers", "transformers", "chromadb", "langchain-core", "numpy")


def ask_all(
    examples: Sequence[Example], chain: Chain, articles: Mapping[str, Article], cold: bool = True
) -> Iterator[Row]:
    """A row per example, in order, as it is answered. `cold` marks the first: its latency includes loading models."""
    for example in examples:
        yield _ask(example, chain, articles, cold)
        cold = False


def _ask(example: Example, chain: Chain, articles: Mapping[str, Article], cold: bool) -> Row:
    answer: Answer | None = None
    error: str | None = None
    start = time.perf_counter()
    try:
        answer = chain.invoke(Question(example.question, example.history, example.article))
    except Exception as fault:  # whatever it is, it is this question's result: recorded and scored as a failure
        error = f"{type(fault).__name__}: {fault}"
    latency = 1000 * (time.perf_counter() - start)
    return {
        "id": example.id,
        "question": example.question,
        "history": list(example.history),
        "answers": list(example.answers),
        "answerable": example.answerable,
        "article": example.article,
        "evidence": [{"text": e.text, "start": e.start, "end": e.end} for e in example.evidence],
        "tags": list(example.tags),
        "answer": answer.as_json() if answer else None,
        "error": error,
        "metrics": score(example, answer, articles),
        "latency_ms": round(latency, 2),
        "cold": cold,
    }


def light(row: Row) -> Row:
    """The row without its texts: what the table needs of it. Ten thousand of them stay small."""
    kept = ("id", "answerable", "article", "tags", "error", "metrics", "latency_ms", "cold")
    answer = row["answer"] or {}
    return {
        **{key: row[key] for key in kept},
        "confidence": answer.get("confidence"),
        "timings_ms": answer.get("timings_ms", {}),
    }


def identity(
    sha256: str, examples: Sequence[Example], articles: Mapping[str, Article], config: Config, recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """What two parts of one run must share. `recipe` tells how the index was made."""
    asked = sorted({e.article for e in examples})
    return {
        "set_sha256": sha256,
        "questions_sha256": _sha256("\n".join(e.id for e in examples)),
        "n": len(examples),
        "articles_sha256": {slug: _sha256(articles[slug].text) for slug in asked},
        "config": {k: v if isinstance(v, int | float) else str(v) for k, v in asdict(config).items()},
        "index": dict(recipe),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


@dataclass(slots=True)
class RunFolder:
    """DIR of one run. Without a DIR (`folder` None) nothing is kept."""

    folder: Path | None
    manifest: dict[str, Any] = field(default_factory=dict)

    def check(self, resume: bool) -> None:
        """Refuse a folder that holds a run already, before anything slow has happened."""
        if self.folder is not None and not resume and (self.folder / "results.jsonl").exists():
            raise BadInput(f"{self.folder} holds a run already. Add --resume to go on with it, or name another folder.")

    def begin(self, manifest: Mapping[str, Any], resume: bool) -> list[Row]:
        """Make the folder, or check that it can be resumed; returns the rows that are there already, lightened."""
        if self.folder is None:
            return []
        self.check(resume)
        results = self.folder / "results.jsonl"
        done: list[Row] = []
        if resume and results.exists():
            self.manifest = _read_manifest(self.folder)
            _same(self.manifest["identity"], manifest, self.folder)
            done = [light(row) for row in read_results(results, mend=True)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise BadInput(f"{self.folder} can not be made ({fault.strerror}). Name another folder.") from None
        self.manifest = {"started": _now(), **self.manifest, "identity": dict(manifest)}
        self.write("manifest", self.manifest)
        return done

    def add(self, row: Row) -> None:
        """Append the row; once this returns it outlives the process."""
        if self.folder is None:
            return
        # a lone surrogate in a question becomes its JSON escape instead of an encoding error
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        try:
            with (self.folder / "results.jsonl").open("ab") as file:
                file.write(line)
        except OSError as fault:
            raise RagError(
                f"{self.folder} can not be written ({fault.strerror}). Make room; --resume goes on."
            ) from None

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        if self.folder is not None:
            (self.folder / f"{name}.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def end(self, done: int, cold_start_s: float | None, summary: Mapping[str, Any]) -> None:
        """Close the manifest, with the cold start if this process had one, and keep the summary."""
        cold = {} if cold_start_s is None else {"cold_start_s": cold_start_s}
        self.write("manifest", {**self.manifest, **cold, "done": done, "finished": _now()})
        self.write("summary", summary)


def read_results(path: Path, mend: bool = False) -> list[Row]:
    """The rows of a results.jsonl. With `mend`, a last line that a killed run left half written is cut off."""
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise BadInput(f"{path} can not be read ({fault.strerror}). Is it the --out folder of a run?") from None
    if mend and raw and not raw.endswith(b"\n"):
        raw = raw[: raw.rfind(b"\n") + 1]
        path.write_bytes(raw)
    rows: list[Row] = []
    for number, line in enumerate(raw.splitlines(), start=1):
        try:
            row = json.loads(line)
            row["metrics"]["outcome"], row["id"]
        except (ValueError, KeyError, TypeError) as fault:
            raise BadInput(f"{path}:{number}: not a line of results ({type(fault).__name__}: {fault}).") from None
        rows.append(row)
    return rows


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        held = json.loads((folder / "manifest.json").read_text("utf-8"))
        return {**held, "identity": dict(held["identity"])}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadInput(f"{folder}/manifest.json can not be read ({fault}): a run can not be resumed without.") from None


def _same(held: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    plain = json.loads(json.dumps(now))
    if changed := [key for key in plain if held.get(key) != plain[key]]:
        raise BadInput(
            f"{folder} can not be resumed: {', '.join(changed)} changed since it began, and half a run of each would "
            "be a mean of two systems. Start a new folder."
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
