"""`python -m eval bench`: the benchmark page. The systems, from a tutorial's to ours, on the held-back halves of the
seed sets and on a fixed slice of SQuAD 2.0, each figure with its 95% interval.

    stock LangChain pipeline   RecursiveCharacterTextSplitter 1000/200, the same encoder, Chroma; the best chunk answers
    dense                      our passages by their vectors; whole sentences answer
    hybrid                     our retriever; whole sentences answer
    hybrid + reader            the default of the chat
    hybrid + LLM               when RAG_LLM names one

`--write README.md` puts the page between the file's two `bench` comments. Only rows tagged `report` are asked.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.chains import Chain, prepare
from eval.choose import count, only, read_ids
from eval.figures import Figure, Tables
from eval.folder import RunFolder, identity, stream_results
from eval.formats import load_set
from eval.progress import building
from eval.run import ask_and_keep, finish
from eval.sets import Example, QuestionSet, select
from eval.variants import StockChain, with_retriever
from rag.config import Config
from rag.errors import BadInput

if TYPE_CHECKING:
    from rag.chain import QAChain

QUESTIONS = Path(__file__).parent / "questions"
SEED = ("brain-drain.jsonl", "amata.jsonl", "lupus.jsonl")
SLICE = QUESTIONS / "squad-dev-a-200.ids"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"
COLUMNS = (
    ("hit_at_1", "hit@1"),
    ("right", "right"),
    ("correct_and_cited", "correct and cited"),
    ("f1", "F1 (SQuAD v2)"),
    ("citation_hit", "citation hit"),
    ("abstention_f1", "abstention F1"),
    ("over_abstention", "refused wrongly"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--squad", type=Path, metavar="FILE", help="squad-v2.0-dev-a.json.gz, or SQuAD's dev-v2.0.json")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep every run there, for report and compare")
    parser.add_argument("--write", type=Path, metavar="FILE", help=f"put the page between {START} and {END} of FILE")
    parser.add_argument("-n", type=count, metavar="N", help="only the first N questions of each part: a rehearsal")


@dataclass(frozen=True, slots=True)
class Part:
    """A block of the page: a title, and per system its name and tables."""

    title: str
    systems: Sequence[tuple[str, Tables, float]]  # name, tables, mean characters shown
    notes: Sequence[str]


def main(args: argparse.Namespace) -> int:
    if args.write:
        _place(args.write, "")  # a file without the two comments is found out before an hour's work
    config = Config.from_env()
    parts = [("The seed sets' held-back halves", *_seed())]
    if args.squad:
        parts.append(("A fixed slice of SQuAD 2.0 dev, on whole articles", *_squad(args.squad)))
    else:
        print("without --squad FILE the page has no SQuAD part", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or Path(scratch)
        made = [
            _part(title, questions, tuple(wanted)[: args.n], config, out / f"part{i}")
            for i, (title, questions, wanted) in enumerate(parts, start=1)
        ]
    text = "\n".join(page(part) for part in made)
    print(text)
    if args.write:
        args.write.write_text(_place(args.write, text), encoding="utf-8")
    return 0


def _seed() -> tuple[QuestionSet, Sequence[Example]]:
    sets = [load_set(QUESTIONS / name) for name in SEED]
    together = QuestionSet(tuple(e for s in sets for e in s.examples), {}, " ".join(s.sha256 for s in sets))
    return together, select(together.examples, ["tag=report"])


def _squad(path: Path) -> tuple[QuestionSet, Sequence[Example]]:
    questions = load_set(path)
    return questions, only(questions.examples, read_ids(SLICE), SLICE)


def _part(title: str, questions: QuestionSet, wanted: Sequence[Example], config: Config, out: Path) -> Part:
    config, examples = prepare(questions, wanted, config, building)
    systems, notes = [], []
    for name, chain in _systems(config, examples):
        print(f"{title}: {name}", file=sys.stderr)
        folder = RunFolder(out / name.replace(" ", "-").replace("+", "and"))
        known = identity(questions.sha256, examples, chain.articles, config, {"system": name})
        folder.begin(known, resume=False, set=title)
        ask_and_keep(examples, chain, folder, [])
        held = finish(folder, None)
        if len(held.rows) < held.wanted:
            raise KeyboardInterrupt
        answers = [row["answer"] for row in stream_results(folder.results) if row["answer"]]
        shown = [len(a["text"]) for a in answers if not a["refused"]]
        systems.append((name, held.tables, sum(shown) / len(shown) if shown else 0.0))
        notes += [a["notice"].replace(str(Path.cwd()), ".") for a in answers if a.get("notice")]
    return Part(f"{title} ({len(examples)} questions)", systems, list(dict.fromkeys(notes)))


def _systems(config: Config, examples: Sequence[Example]) -> Iterator[tuple[str, Chain]]:
    """One after the other; the same loaded chain serves where only the retriever differs."""
    asked = list(dict.fromkeys(e.article for e in examples))
    sentences = _load(replace(config, answerer="sentences"))
    yield "stock LangChain pipeline", StockChain(sentences, asked, building)
    yield "dense, sentences", with_retriever(sentences, "dense", config.top_k)
    yield "hybrid, sentences", with_retriever(sentences, "hybrid", config.top_k)
    yield "hybrid + reader", _load(replace(config, answerer="reader"))
    if config.llm:
        from rag.chain import load_chain

        yield f"hybrid + {config.llm}", load_chain(config)


def _load(config: Config) -> QAChain:
    """The chain of this answerer, without the language model."""
    from rag.chain import load_chain

    return load_chain(replace(config, llm=""))


def page(part: Part) -> str:
    """The part as Markdown."""
    header = ["system", *(name for _, name in COLUMNS), "characters shown", "p50 ms"]
    lines = [f"**{part.title}**", "", "| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    for name, tables, shown in part.systems:
        held = {f.key: f for f in tables.figures}
        p50 = tables.latency_ms.get("whole question", {}).get("p50", float("nan"))
        cells = [name, *(_cell(held.get(key)) for key, _ in COLUMNS), f"{shown:.0f}", f"{p50:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *(f"Note: {note}\n" for note in part.notes)])


def _cell(f: Figure | None) -> str:
    if f is None or f.value != f.value:
        return "–"
    return f"{f.value:.3f} ({f.low:.2f}–{f.high:.2f})" if f.low == f.low else f"{f.value:.3f}"


def _place(path: Path, text: str) -> str:
    """The file with the page in its place."""
    try:
        whole = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise BadInput(f"{path} can not be read ({fault.strerror}).") from None
    before, start, rest = whole.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise BadInput(f"{path} has no place for the page: put {START} and {END} in it, each on a line of its own.")
    return f"{before}{START}\n{text}\n{END}{after}"
