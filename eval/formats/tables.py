"""A file of rows → (where, row): JSONL, a JSON list, CSV or TSV, YAML. `where` is `file:line`.

The trap that lives here is what a format makes of plain words: YAML reads `no` as false and `1990` as a number, a
spreadsheet saves a list as one cell. So YAML and CSV are read as text alone, and `rows.py` takes it from there.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from rag.errors import BadInput

Rows = Iterator[tuple[str, dict[str, Any]]]


class TextRow(dict[str, Any]):
    """A row whose values are all text, as CSV and YAML give them: "true" may stand for true, "a | b" for a list."""


def jsonl_rows(text: str, path: Path, noted: Faults) -> Rows:
    """One JSON object per line; blank lines are allowed."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            noted.note(f"{where}: not JSON ({error}). A set has one JSON object per line.")
            continue
        except RecursionError:
            noted.note(f"{where}: not a row of a set: its brackets are nested too deeply.")
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            noted.note(f"{where}: a {type(row).__name__}, not an object. A set has one JSON object per line.")


def json_rows(data: list[Any], path: Path, noted: Faults) -> Rows:
    """A JSON list of objects."""
    for i, row in enumerate(data):
        if isinstance(row, dict):
            yield f"{path}[{i}]", row
        else:
            noted.note(f"{path}[{i}]: a {type(row).__name__}, not an object. A set is a list of objects.")


def csv_rows(text: str, path: Path, delimiter: str, noted: Faults) -> Rows:
    """A header line, then a row per question; cells in quotes may hold line ends. Empty cells are absent fields."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        if len(set(names)) < len(names) or "" in names:
            raise BadInput(f"{path}:1: every column needs a name of its own; the header is {', '.join(names)!r}.")
        reader.fieldnames = names
        line = reader.line_num
        for row in reader:
            where, line = f"{path}:{line + 1}", reader.line_num
            if None in row:
                noted.note(f"{where}: more cells than the header has. Put cells with a {delimiter!r} in double quotes.")
            elif None in row.values():
                noted.note(f"{where}: fewer cells than the header has.")
            else:
                yield where, TextRow((k, v.strip()) for k, v in row.items() if v.strip())
    except csv.Error as error:
        noted.note(f"{path}:{line + 1}: not CSV ({error}).")


def yaml_rows(text: str, path: Path) -> Rows:
    """A list of mappings, or such a list under `questions`. A file that is no YAML has one fault: BadInput."""
    import yaml

    loader = yaml.BaseLoader(text)  # text alone: no dates, no numbers, and `no` stays a word
    try:
        node = loader.get_single_node()
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == "questions"), node)
        if not isinstance(node, yaml.SequenceNode):
            raise BadInput(f"{path}: not a list of questions, each with `- question: …`.")
        for child in node.value:
            where = f"{path}:{child.start_mark.line + 1}"
            if not isinstance(child, yaml.MappingNode):
                raise BadInput(f"{where}: not a mapping. Write `- question: …` with the other fields below it.")
            yield where, TextRow(loader.construct_document(child))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}" if mark else ""
        raise BadInput(f"{path}{at}: not YAML ({getattr(error, 'problem', None) or 'unreadable'}).") from None
    finally:
        loader.dispose()
