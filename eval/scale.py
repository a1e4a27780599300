"""`python -m eval.scale [N]`: does a run of ten thousand questions stay usable? Memory, report, comparison.

The chain is a stand-in that answers at once with passages of real size; folders, figures, page and browser are real.
"""

from __future__ import annotations

import contextlib
import io
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eval.__main__ import main as command
from eval.folder import RunFolder, identity
from eval.run import ask_and_keep, finish
from eval.sets import Evidence, Example, locate
from rag.cite import cite, cited_text
from rag.config import Config
from rag.types import Answer, Article, Hit, Passage, Question

SENTENCES, PER_PASSAGE, TOP_K = 400, 6, 8
TAGS = ("factoid", "list", "why", "how", "yes-no")


def article(number: int) -> Article:
    lines = (f"In {1500 + i} the harbour of town {number} took in {i * 7 + number} ships, more than the year before, "
             f"and its master wrote down every one." for i in range(SENTENCES))  # fmt: skip
    return Article(f"town-{number}", f"Town {number}", " ".join(lines))


def examples(n: int, articles: Mapping[str, Article]) -> Iterator[Example]:
    """Questions over the articles in turn, every third of them without an answer."""
    held = list(articles.values())
    for i in range(n):
        about, year = held[i % len(held)], i // len(held) % SENTENCES
        tags = (TAGS[i % len(TAGS)], "report" if i % 2 else "dev")
        question = f"How many ships came in {1500 + year}? ({i})"
        if i % 3 == 0:
            yield Example(f"q{i}", question, (), False, about.id, tags=tags)
            continue
        quote = about.text[_at(year, about) : _at(year + 1, about)].strip()
        gold = quote.split(" took in ")[1].split(",")[0]
        yield locate(Example(f"q{i}", question, (gold,), True, about.id, (Evidence(quote),), tags=tags), articles)


def _at(sentence: int, about: Article) -> int:
    at = about.text.find(f"In {1500 + sentence} ")
    return at if at >= 0 else len(about.text)


class StandIn:
    """Right, wrong or silent by the question's number; `luck` tells two runs apart."""

    def __init__(self, articles: Mapping[str, Article], luck: int) -> None:
        self.articles = articles
        self._luck = luck

    def invoke(self, input: Question) -> Answer:
        about, number = self.articles[input.article_id or ""], int(input.text.rpartition("(")[2][:-1])
        year = number // len(self.articles) % SENTENCES
        roll = (number * 7919 + self._luck * 104729) % 100
        first = max(0, min(SENTENCES - PER_PASSAGE * TOP_K, year if roll < 90 else 0))
        hits = []
        for rank in range(TOP_K):
            start = _at(first + rank * PER_PASSAGE, about)
            end = start + len(about.text[start : _at(first + (rank + 1) * PER_PASSAGE, about)].rstrip())
            passage = Passage(f"{start}", about.id, start, end, about.text[start:end], ((start, end),))
            hits.append(Hit(passage, 1.0, 0.5))
        if roll < 15 or (number % 3 == 0 and roll < 80):
            return Answer(input, input.text, "The article doesn't say.", refused=True, confidence=roll / 200,
                          passages=tuple(hits), timings={"retrieve": 1.0, "total": 1.0})  # fmt: skip
        start = _at(year if roll < 90 else 0, about)
        quote = cite(about, (start, start + len(about.text[start : about.text.find(".", start) + 1])))
        return Answer(input, input.text, cited_text((quote,)), None, (quote,), confidence=0.3 + roll / 150,
                      passages=tuple(hits), timings={"retrieve": 1.0, "total": 1.0 + roll / 10})  # fmt: skip


def run(folder: Path, n: int, luck: int) -> tuple[float, float]:
    """Ask n questions; the growth of memory in MB from the thousandth on, and seconds for the figures at the end."""
    articles = {a.id: a for a in map(article, range(20))}
    asked = list(examples(n, articles))
    kept = RunFolder(folder)
    kept.begin(identity("scale", asked, articles, Config(), {}), resume=False, set="made")
    chain = StandIn(articles, luck)
    early: Sequence[Example] = asked[: n // 10]
    ask_and_keep(early, chain, kept, [])
    before = _peak_mb()
    ask_and_keep(asked[n // 10 :], chain, kept, [])
    grown, start = _peak_mb() - before, time.perf_counter()
    finish(kept, None)
    return grown, time.perf_counter() - start


def _peak_mb() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 if sys.platform != "darwin" else 1 << 20)


def opened(page: Path) -> tuple[float, float]:
    """Seconds until a browser has the report ready, and until a filter on its text has been applied."""
    from playwright.sync_api import sync_playwright

    from ui.screenshot import CHROMIUM_ARGUMENTS, chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        shown = browser.new_page()
        start = time.perf_counter()
        shown.goto(page.as_uri())
        shown.wait_for_selector("body.ready", state="attached")
        ready, start = time.perf_counter() - start, time.perf_counter()
        shown.fill("#text", "ships 1601")
        assert shown.locator("#count").inner_text().endswith("questions")
        filtered = time.perf_counter() - start
        browser.close()
    return ready, filtered


def main(argv: Sequence[str]) -> int:
    n = int(argv[0]) if argv else 10_000
    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder) / "a", Path(folder) / "b"
        grown, tables_s = run(a, n, 1)
        run(b, n, 2)
        size = (a / "results.jsonl").stat().st_size
        print(f"run: {n} results, {size / 1e6:.0f} MB; memory grew {grown:.1f} MB over the last nine tenths")
        print(f"figures at the end of the run: {tables_s:.1f} s")
        with contextlib.redirect_stdout(io.StringIO()):
            start = time.perf_counter()
            command(["report", str(a)])
            made, start = time.perf_counter() - start, time.perf_counter()
            command(["compare", str(a), str(b)])
            compared = time.perf_counter() - start
        page = a / "report.html"
        ready, filtered = opened(page)
        print(f"report: made in {made:.1f} s, {page.stat().st_size / 1e6:.0f} MB; "
              f"opens in {ready:.2f} s, filters in {filtered:.2f} s")  # fmt: skip
        print(f"compare: {compared:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
