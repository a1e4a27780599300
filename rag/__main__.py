"""`python -m rag index [PATH…]`, `ask "…"` and `doctor`: the path of one question, from a terminal."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rag.config import Config
from rag.errors import RagError
from rag.types import Answer, Article, Question


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on stderr and a non-zero exit code."""
    args = _parser().parse_args(argv)
    try:
        command: Callable[[argparse.Namespace, Config], int] = args.command
        code = command(args, Config.from_env())
        sys.stdout.flush()  # here, where a reader that has gone (`| head -1`) is no fault
        return code
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return 0
    except KeyboardInterrupt:
        print("\nstopped; the index is as it was before", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rag", description="Ask an article; get its own sentences back.")
    commands = parser.add_subparsers(required=True, metavar="index | ask | doctor")
    index = commands.add_parser("index", help="build the index, or refresh it; PATHs are put into the corpus first")
    index.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=".txt, .md, .html, or a page's saved text")
    index.add_argument("--as", dest="names", default="", metavar="A,B", help="slugs for the articles of one PATH")
    index.set_defaults(command=_index)
    ask = commands.add_parser("ask", help="answer one question")
    ask.add_argument("question")
    ask.add_argument("--article", metavar="SLUG", help="ask this article, or `all`")
    ask.add_argument(
        "--history", action="append", default=[], metavar="QUESTION", help="an earlier question; repeatable"
    )
    ask.add_argument("--answerer", metavar="WHO", help="reader, or with RAG_LLM set also llm or both")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.set_defaults(command=_ask)
    doctor = commands.add_parser("doctor", help="what is in use, each part tried, and what to do where one fails")
    doctor.set_defaults(command=_doctor)
    return parser


def _index(args: argparse.Namespace, config: Config) -> int:
    from rag.build import refresh
    from rag.errors import BadInput
    from rag.frontmatter import keep_names, write_corpus
    from rag.load import load_articles

    names = [n for n in args.names.split(",") if n]
    if names and len(args.paths) != 1:
        raise BadInput("--as names the articles of one PATH: give just one.")
    articles: list[Article] = []
    for path in args.paths:
        articles += load_articles(path, config.max_file_mb, names, _remark)
    if articles:
        for written in write_corpus(keep_names(articles, config.corpus), config.corpus):
            _remark(f"corpus: {written}")
    manifest = refresh(config, _progress)
    print(
        f"{len(manifest.articles)} articles, {manifest.passages} passages, {manifest.sentences} sentences "
        f"in {config.index}"
    )
    return 0


def _ask(args: argparse.Namespace, config: Config) -> int:
    from rag.build import refresh
    from rag.chain import load_chain
    from rag.question import clean_question

    clean_question(args.question, config.max_question_chars)  # a bad question is refused before anything loads
    refresh(config, _progress)
    answer = load_chain(config).invoke(Question(args.question, tuple(args.history), args.article, args.answerer))
    if args.json:
        print(json.dumps(answer.as_json(), ensure_ascii=False))
    else:
        print(_shown(answer))
    return 0


def _doctor(args: argparse.Namespace, config: Config) -> int:
    from rag.doctor import report

    return report(config, print)


def _shown(answer: Answer) -> str:
    lines = [answer.short, ""] if answer.short else []
    lines.append(answer.text)
    if answer.nearest:
        lines.append(f"The closest sentence is: {answer.nearest.quote}")
    if answer.query != answer.question.text.strip():
        lines.append(f"(searched for: {answer.query})")
    if answer.llm and answer.notice:
        lines.append(f"({answer.notice})")
    if answer.llm and answer.llm.unsupported:
        lines.append("([?] marks what the article does not say.)")
    shown = [*answer.citations, *([replace(answer.nearest, number=0)] if answer.nearest else [])]
    lines += [f"  [{c.number or '·'}] {c.article_id}, characters {c.start}–{c.end}" for c in shown]
    if answer.beside:
        lines += ["", f"Without {answer.answerer}:", _shown(answer.beside)]
    return "\n".join(lines)


def _remark(line: str) -> None:
    print(line, file=sys.stderr)


def _progress(stage: str, done: int, total: int) -> None:
    """One line that rewrites itself on a terminal, and a line at the start and the end elsewhere."""
    if sys.stderr.isatty() and total:
        print(f"\r{stage}: {done}/{total} ", end="\n" if done == total else "", file=sys.stderr, flush=True)
    elif total == 0 or done in (0, total):
        print(f"{stage}: {done}/{total}" if total else stage, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
