"""What is wrong with a run as a whole, by name: faults that a mean hides. The report shows them, the gate
fails on them.

Each looks for one way in which a system can be broken and still score: a chain that always refuses is right about
every unanswerable question, one that drops the hard questions has a better mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.run import DROPPED

Row = Mapping[str, Any]
ENOUGH = 5
"""Fewer unanswerable (or answerable) questions can all be answered (or refused) by a sound chain."""
OFF = 0.2
"""Share of right answers whose citations may miss the evidence: another sentence sometimes says the same."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`name` is one of NAMES; `ids` are the questions it was found in, where it is about some."""

    name: str
    detail: str
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


NAMES = (
    "questions missing",  # fewer rows than the manifest promises
    "questions dropped",  # the chain returned nothing for them
    "questions raised",  # the chain raised
    "rows doubled",  # a question counts twice
    "answered by a stand-in",  # the reader's weights are missing, or the language model failed
    "never abstains",  # it answered every question that the article does not answer
    "always abstains",  # it refused every question that the article answers
    "citations not verbatim",  # a quote is not what stands at its offsets
    "citations off the evidence",  # right answers cite something else
)


def alarms(rows: Sequence[Row], wanted: int | None) -> list[Alarm]:
    """Every alarm of a run, in the order of NAMES. `wanted` is how many rows the manifest promises, if it is known."""
    return [*_counts(rows, wanted), *_abstention(rows), *_citations(rows)]


def _counts(rows: Sequence[Row], wanted: int | None) -> Iterator[Alarm]:
    if wanted is not None and len(rows) < wanted:
        yield Alarm("questions missing", f"{wanted - len(rows)} of {wanted} have no result")
    errors = {row["id"]: str(row["error"]) for row in rows if row["error"]}
    for name, held in (
        ("questions dropped", {i: e for i, e in errors.items() if e.startswith(DROPPED)}),
        ("questions raised", {i: e for i, e in errors.items() if not e.startswith(DROPPED)}),
    ):
        if held:
            first = next(iter(held.values()))
            yield Alarm(name, f"{len(held)} of {len(rows)}, the first: {first}", tuple(held))
    asked = Counter((row["id"], row.get("repeat", 0)) for row in rows)
    if doubled := tuple(id_ for (id_, _), n in asked.items() if n > 1):
        yield Alarm("rows doubled", f"{len(doubled)} questions have more than one result", doubled)
    if replaced := {row["id"]: row["stand_in"] for row in rows if row.get("stand_in")}:
        why = next(iter(replaced.values()))
        yield Alarm("answered by a stand-in", f"{len(replaced)} of {len(rows)}, the first: {why}", tuple(replaced))


def _abstention(rows: Sequence[Row]) -> Iterator[Alarm]:
    answered = [row for row in rows if not row["error"]]
    unanswerable = [row for row in answered if not row["answerable"]]
    answerable = [row for row in answered if row["answerable"]]
    if len(unanswerable) >= ENOUGH and not any(row["metrics"]["refused"] for row in unanswerable):
        yield Alarm("never abstains", f"all {len(unanswerable)} questions without an answer were answered")
    if len(answerable) >= ENOUGH and all(row["metrics"]["refused"] for row in answerable):
        yield Alarm("always abstains", f"all {len(answerable)} questions with an answer were refused")


def _citations(rows: Sequence[Row]) -> Iterator[Alarm]:
    invalid = {row["id"]: None for row in rows if row["metrics"]["citations_valid"] < row["metrics"]["citations"]}
    if invalid:
        detail = f"in {len(invalid)} answers a quote is not at its offsets"
        yield Alarm("citations not verbatim", detail, tuple(invalid))
    right = [row for row in rows if _says_it(row) and row["metrics"]["citation_hit"] is not None]
    off = [row["id"] for row in right if not row["metrics"]["citation_hit"]]
    if len(right) >= ENOUGH and len(off) > OFF * len(right):
        detail = f"{len(off)} of {len(right)} right answers cite something else"
        yield Alarm("citations off the evidence", detail, tuple(off))


def _says_it(row: Row) -> bool:
    """Whether the text is right, whatever it cites."""
    return bool(row["metrics"]["containment"] or row["metrics"]["yes_no"])
