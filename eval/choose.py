"""Which questions of a set: the options that `run`, `retrieval`, `sweep` and `bench` share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.sets import Example, QuestionSet, select
from rag.config import Config
from rag.errors import BadInput


def add_set(command: argparse.ArgumentParser) -> None:
    """SET and how its columns are named."""
    formats = "JSONL, JSON, CSV, YAML, SQuAD or CoQA JSON (gzip allowed), or a BEIR folder"
    command.add_argument("set", type=Path, metavar="SET", help=formats)
    command.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN", help="the column that holds a field"
    )


def add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("-n", type=count, metavar="N", help="only the first N questions that pass the filters")
    keys = "tag, article, id, answerable"
    command.add_argument("--filter", action="append", default=[], metavar="KEY=VALUE", help=keys)
    command.add_argument("--split", metavar="NAME", help="the same as --filter tag=NAME, e.g. dev or report")
    command.add_argument("--ids", type=Path, metavar="FILE", help="only the questions with the ids in it, one a line")


def add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="e.g. top_k=4, answerer=sentences"
    )
    command.add_argument("--llm", metavar="PROVIDER:MODEL", help="a language model answers (--config llm=…)")
    command.add_argument("--cache", metavar="FILE", help="keep what it says, so that a run can be repeated")


def configured(args: argparse.Namespace) -> Config:
    """The configuration of the environment with what --config says over it."""
    short = {"llm": args.llm, "llm_cache": args.cache}
    given = {name: value for name, value in short.items() if value} | pairs(args.config, "--config")
    if unknown := [name for name in given if name not in Config.__dataclass_fields__]:
        known = ", ".join(Config.__dataclass_fields__)
        raise BadInput(f"--config {unknown[0]}=…: there is no setting {unknown[0]!r}. Settings: {known}.")
    return Config.from_env(dict(os.environ) | {f"RAG_{name.upper()}": value for name, value in given.items()})


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """`["a=b"]` → {"a": "b"}; BadInput names the option and the value that is no pair."""
    found = {}
    for pair in given:
        key, _, value = pair.partition("=")
        if not key or not value:
            raise BadInput(f"{option} {pair} is not understood: write {option} NAME=VALUE.")
        found[key] = value
    return found


def filters(args: argparse.Namespace) -> list[str]:
    return [*args.filter, *([f"tag={args.split}"] if args.split else [])]


def chosen(args: argparse.Namespace) -> tuple[QuestionSet, tuple[Example, ...]]:
    """The set, and those of its questions that pass every option."""
    from eval.formats import load_set

    questions = load_set(args.set, pairs(args.map, "--map"))
    examples: Sequence[Example] = questions.examples
    if args.ids:
        examples = only(examples, read_ids(args.ids), args.ids)
    if failing := getattr(args, "filter_failing", None):
        examples = _failing(examples, failing)
    return questions, select(examples, filters(args), args.n)


def read_ids(path: Path) -> list[str]:
    """The ids of a list, one a line; what follows a # is a comment."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"{path} can not be read ({fault}). Give a text file with one id a line.") from None
    return [id_ for line in lines if (id_ := line.partition("#")[0].strip())]


def only(examples: Sequence[Example], ids: Sequence[str], path: Path) -> list[Example]:
    """The examples with these ids, in the list's order. All must be there: half a slice is another slice."""
    by_id = {e.id: e for e in examples}
    if missing := [id_ for id_ in ids if id_ not in by_id]:
        raise BadInput(f"{path}: {len(missing)} of {len(ids)} ids are not in the set, the first {missing[0]!r}.")
    return [by_id[id_] for id_ in dict.fromkeys(ids)]


def _failing(examples: Sequence[Example], run: Path) -> list[Example]:
    """The examples that an earlier run did not get right."""
    from eval.folder import stream_results
    from eval.score import RIGHT

    failed = {row["id"] for row in stream_results(run / "results.jsonl") if row["metrics"]["outcome"] != RIGHT}
    if not failed:
        raise BadInput(f"Nothing failed in {run}: there is nothing to ask again.")
    kept = [e for e in examples if e.id in failed]
    if not kept:
        raise BadInput(f"None of the {len(failed)} questions that failed in {run} is in this set.")
    if gone := len(failed) - len(kept):
        print(f"{gone} of {len(failed)} questions that failed in {run} are not in this set", file=sys.stderr)
    return kept
