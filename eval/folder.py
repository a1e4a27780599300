"""The folder of a run: results.jsonl, a line per question as it is done; manifest.json; summary.json.

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

from eval.sets import Example
from eval.stats import SEED
from rag.config import Config
from rag.errors import BadInput, RagError
from rag.types import Article

Row = dict[str, Any]
"""One line of results.jsonl: id, repeat, question, history, answers, answerable, article, evidence, tags, answer
(`Answer.as_json()`, or null), error (null, or what was raised), metrics, latency_ms, cold."""

PACKAGES = ("article-chatbot", "torch", "sentence-transformers", "transformers", "chromadb", "langchain-core", "numpy")


def identity(
    sha256: str,
    examples: Sequence[Example],
    articles: Mapping[str, Article],
    config: Config,
    recipe: Mapping[str, Any],
    repeat: int = 1,
) -> dict[str, Any]:
    """What two parts of one run must share. `recipe` tells how the index was made."""
    asked = sorted({e.article for e in examples})
    return {
        "set_sha256": sha256,
        "questions_sha256": questions_sha256(e.id for e in examples),
        "n": len(examples),
        "repeat": repeat,
        "articles_sha256": {slug: _sha256(articles[slug].text) for slug in asked},
        "config": {k: v if isinstance(v, int | float) else str(v) for k, v in asdict(config).items()},
        "index": dict(recipe),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
    }


def questions_sha256(ids: Iterator[str]) -> str:
    """Which questions were asked, in any order."""
    return _sha256("\n".join(sorted(ids)))


@dataclass(slots=True)
class RunFolder:
    """DIR of one run."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.folder / "results.jsonl"

    def check(self, resume: bool) -> None:
        """Refuse a folder that holds a run already, before anything slow has happened."""
        if not resume and self.results.exists():
            raise BadInput(f"{self.folder} holds a run already. Add --resume to go on with it, or name another folder.")

    def begin(self, manifest: Mapping[str, Any], resume: bool, **more: Any) -> list[Row]:
        """Make the folder, or check that it can be resumed; returns the rows that are there already, lightened.
        `more` is kept in the manifest too, and may differ when a run is resumed."""
        self.check(resume)
        done: list[Row] = []
        if resume and self.results.exists():
            self.manifest = _read_manifest(self.folder)
            _same(self.manifest["identity"], manifest, self.folder)
            done = [light(row) for row in stream_results(self.results, mend=True)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise BadInput(f"{self.folder} can not be made ({fault.strerror}). Name another folder.") from None
        self.manifest = {"started": _now(), **self.manifest, "seed": SEED, **more, "identity": dict(manifest)}
        self.write("manifest", self.manifest)
        return done

    def add(self, row: Row) -> None:
        """Append the row; once this returns it outlives the process."""
        # a lone surrogate in a question becomes its JSON escape instead of an encoding error
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        try:
            with self.results.open("ab") as file:
                file.write(line)
        except OSError as fault:
            raise RagError(
                f"{self.folder} can not be written ({fault.strerror}). Make room; --resume goes on."
            ) from None

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def end(self, done: int, cold_start_s: float | None, summary: Mapping[str, Any]) -> None:
        """Close the manifest, with the cold start if this process had one, and keep the summary."""
        cold = {} if cold_start_s is None else {"cold_start_s": cold_start_s}
        self.write("manifest", {**self.manifest, **cold, "done": done, "finished": _now()})
        self.write("summary", summary)


def light(row: Row) -> Row:
    """The row without its texts: what the table needs of it. Ten thousand of them stay small."""
    kept = ("id", "answerable", "article", "tags", "error", "metrics", "latency_ms", "cold")
    answer = row["answer"] or {}
    return {
        **{key: row[key] for key in kept},
        "repeat": row.get("repeat", 0),
        "confidence": answer.get("confidence"),
        "timings_ms": answer.get("timings_ms", {}),
        "llm": _usage(answer.get("llm")),
        "stand_in": _stand_in(answer),
    }


def _usage(generated: Mapping[str, Any] | None) -> Row | None:
    """What a language model's part in the answer took; None when it had none."""
    if generated is None:
        return None
    return {**generated.get("usage", {}), "cached": bool(generated.get("cached")), "fault": generated.get("fault")}


def _stand_in(answer: Mapping[str, Any]) -> str | None:
    """Why another answerer spoke than the configured one: the reader's weights are missing, the model failed."""
    fault = (answer.get("llm") or {}).get("fault")
    return fault or (answer.get("notice") if answer.get("answerer") == "sentences" else None)


def stream_results(path: Path, mend: bool = False) -> Iterator[Row]:
    """The rows of a results.jsonl, one at a time. With `mend`, a last line left half written is cut off first."""
    try:
        if mend:
            _mend(path)
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _row(line, f"{path}:{number}")
    except OSError as fault:
        raise BadInput(f"{path} can not be read ({fault.strerror}). Is it the --out folder of a run?") from None


def _row(line: bytes, where: str) -> Row:
    try:
        row: Row = json.loads(line)
        row["metrics"]["outcome"], row["id"], row["answerable"]  # what no reader of a run can do without
        return row
    except (ValueError, KeyError, TypeError) as fault:
        raise BadInput(f"{where}: not a line of results ({type(fault).__name__}: {fault}).") from None


def read_results(path: Path, mend: bool = False) -> list[Row]:
    return list(stream_results(path, mend))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run, or {} when it has none. BadInput when what is there is no manifest."""
    return _read_manifest(folder) if (folder / "manifest.json").exists() else {}


def _mend(path: Path) -> None:
    """Cut off what follows the last line end, in place, without reading the file whole."""
    size, block = path.stat().st_size, 1 << 16
    with path.open("r+b") as file:
        end = size
        while end > 0:
            start = max(0, end - block)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                file.truncate(start + at + 1)
                return
            end = start
        file.truncate(0)


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
