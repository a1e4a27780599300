"""`python -m eval from-feedback FILE --out SET`: the chat's thumbs → a question set, and a list of what a person has
to look at first.

A thumb up takes the answer for right. A thumb down only says that something is wrong: its row (tagged `to-check`)
goes to the list, as does one whose quote is no longer in the article. Nothing is dropped: every thumb ends in the
set, in the list, or is counted as a repetition. Once corrected, with `to-check` removed, a row of the list is a row
of the set: run the command on it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from eval.formats.tables import jsonl_rows
from eval.sets import Example, locate
from eval.tags import with_types
from rag.config import Config
from rag.errors import BadInput
from rag.types import Article

CHECK = "to-check"
Row = dict[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="what the chat wrote: eval/questions/feedback.jsonl")
    parser.add_argument("--out", type=Path, metavar="SET", required=True, help="native JSONL; must not exist")
    parser.add_argument("--todo", type=Path, metavar="FILE", help="rows to check first (default: SET.todo.jsonl)")


@dataclass(frozen=True, slots=True)
class Sorted:
    """Where each thumb went. `todo` rows have a field `check` that says what to do."""

    kept: Sequence[Row]
    todo: Sequence[Row]
    repeated: int


def main(args: argparse.Namespace) -> int:
    from rag.build import corpus_articles

    todo = args.todo or args.out.with_suffix(".todo.jsonl")
    for path in (args.out, todo):
        if path.exists():
            raise BadInput(f"{path} is there already. Name another file.")
    try:
        text = args.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"{args.file} can not be read ({fault}). RAG_FEEDBACK=1 makes the chat write it.") from None
    rows = list(jsonl_rows(text, args.file, Faults(None)))
    if not rows:
        raise BadInput(f"{args.file} holds no feedback.")
    found = sort(rows, {a.id: a for a in corpus_articles(Config.from_env())})
    for path, held in ((args.out, found.kept), (todo, found.todo)):
        if held:
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in held), encoding="utf-8")
    print(
        f"{len(rows)} thumbs: {len(found.kept)} questions in {args.out}, {len(found.todo)} to check in {todo}, "
        f"{found.repeated} asked again later"
    )
    return 0


def sort(rows: Sequence[tuple[str, Row]], articles: Mapping[str, Article]) -> Sorted:
    """The newest thumb on a question counts; what can not be scored as it is goes to the list, saying why."""
    newest: dict[tuple[Any, ...], tuple[str, Row]] = {}
    for where, row in rows:
        key = (row.get("article"), str(row.get("question")).strip().lower(), tuple(row.get("history") or ()))
        newest.pop(key, None)
        newest[key] = (where, row)
    kept, todo = [], []
    for where, row in newest.values():
        row = {key: value for key, value in row.items() if key != "check"}
        try:
            kept.append(_checked(row, where, articles))
        except BadInput as fault:
            todo.append({**row, "check": str(fault).removeprefix(f"{where}: ")})
    return Sorted(kept, todo, len(rows) - len(newest))


def _checked(row: Row, where: str, articles: Mapping[str, Article]) -> Row:
    """The row with its evidence located and its types filled in; BadInput says what a person has to do."""
    from eval.formats.rows import Columns, native
    from eval.validate import native as as_row

    if CHECK in (row.get("tags") or ()):
        raise BadInput(f"{where}: someone thought this answer wrong: correct the row, and remove the tag {CHECK}.")
    [example], _ = native([(where, row)], Columns({}, Path(where)), Faults(None))
    located: Example = locate(example, articles)
    return as_row(with_types(located), {})
