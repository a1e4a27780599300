"""Runs → the page: the summary is written here, the list of questions by page.js out of the data in the page.

The trap that lives here is an article's own text: it goes in as data, `<` escaped, never as markup; and a policy in
the page lets no script run but page.js and no request leave.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.figures import Figure
from eval.folder import Row
from eval.report.charts import charts
from eval.report.data import Run, page_data
from eval.report.plots import svg
from eval.score import OUTCOMES
from eval.table import SHORT, interval

HERE = Path(__file__).parent


def page(runs: Sequence[Run]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    data = json.dumps(page_data(runs), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("page.html").render(
        runs=runs,
        style=Markup(style),
        script=Markup(script),
        hashes={"style": _hash(style), "script": _hash(script)},
        data=Markup(data),
        figures=_figures(runs),
        outcomes=[(o, [run.tables.outcomes.get(o, 0) for run in runs]) for o in OUTCOMES],
        shown=[o for o in OUTCOMES if any(o in run.tables.outcomes for run in runs)],
        tags=sorted({tag for run in runs for row in run.lights for tag in row["tags"]}),
        groups=[(run, run.tables.groups[:40]) for run in runs],
        heads=SHORT,
        names=OUTCOMES,
        charts=[(chart, svg(chart), text) for chart, text in charts(runs)],
        settings=_settings(runs),
    )


def _figures(runs: Sequence[Run]) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """(group, name, per run (value, interval, n)) in the order of the first run that has it."""
    every: dict[str, Figure] = {}
    for run in runs:
        for f in run.tables.figures:
            every.setdefault(f.key, f)
    by_run = [{f.key: f for f in run.tables.figures} for run in runs]
    return [(f.group, f.name, [_cell(held.get(key)) for held in by_run]) for key, f in every.items()]


def _cell(f: Figure | None) -> tuple[str, str, str]:
    if f is None:
        return "–", "", ""
    return "–" if f.value != f.value else f"{f.value:.3f}", interval(f), f"{f.scored}/{f.total}"


def _settings(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """What each run was made with: the set, the settings, the versions, by name."""
    flat = [_flat(run.manifest) for run in runs]
    return [(name, [held.get(name, "–") for held in flat]) for name in dict.fromkeys(n for held in flat for n in held)]


def _flat(manifest: Mapping[str, Any]) -> Row:
    known: Mapping[str, Any] = manifest.get("identity", {})
    held = {name: str(manifest[name]) for name in ("set", "started", "seed", "workers") if name in manifest}
    held |= {name: str(known[name]) for name in ("n", "repeat", "set_sha256") if name in known}
    for part in ("config", "index", "versions"):
        held |= {f"{part} {key}": str(value) for key, value in known.get(part, {}).items() if value != ""}
    return held


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
