"""`python -m ui.bench`: how many answers a second /api/ask gives to 1, 10 and 50 askers at one time, and how soon.

Starts a server of its own on a free port, without a rate limit, unless --url names one. Every question is another one,
so that nothing could be answered from a memory; refusals for overload (503) and for haste (429) are counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

QUESTIONS = Path(__file__).parents[1] / "eval" / "questions"
OPENINGS = ("", "Tell me: ", "I would like to know: ", "According to the text, ", "In short: ", "Once more, please: ")


def questions(articles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(question, article), no two alike: the development questions of the repository, each to every article."""
    rows = [json.loads(line) for file in sorted(QUESTIONS.glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    asked = sorted({row["question"] for row in rows if "report" not in row.get("tags", [])})
    for turn in itertools.count():
        for opening in OPENINGS:
            for article in articles:
                for question in asked:
                    yield f"{opening}{question}" + (f" ({turn})" if turn else ""), article


async def _asker(
    client: object, to_ask: Iterator[tuple[str, str]], until: float, times: list[float], statuses: Counter[int]
) -> None:
    while time.perf_counter() < until:
        question, article = next(to_ask)
        begun = time.perf_counter()
        response = await client.post("/api/ask", json={"question": question, "article": article})  # type: ignore[attr-defined]
        statuses[response.status_code] += 1
        if response.status_code == 200:
            times.append(time.perf_counter() - begun)
        else:
            await asyncio.sleep(float(response.headers.get("retry-after", 1)))


async def measure(url: str, askers: int, seconds: float, to_ask: Iterator[tuple[str, str]]) -> str:
    """One line of the table. An asker asks the next question as soon as it has its answer."""
    import httpx

    times: list[float] = []
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=askers, max_keepalive_connections=askers)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        begun = time.perf_counter()
        await asyncio.gather(*(_asker(client, to_ask, begun + seconds, times, statuses) for _ in range(askers)))
        took = time.perf_counter() - begun
    times.sort()

    def at(share: float) -> float:
        return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")

    other = sum(n for status, n in statuses.items() if status not in (200, 429, 503))
    return (
        f"{askers:6} {len(times):8} {len(times) / took:10.1f} {at(0.5):7.2f} {at(0.95):7.2f} {at(1):7.2f} "
        f"{statuses[429]:5} {statuses[503]:5} {other:6}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    import httpx

    from ui.screenshot import running_chat

    parser = argparse.ArgumentParser(prog="python -m ui.bench", description="Load on /api/ask.")
    parser.add_argument("--url", help="a server that runs already; its rate limit counts")
    parser.add_argument("--askers", default="1,10,50", help="how many at one time (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="for each number of askers (default: %(default)s)")
    options = parser.parse_args(argv)
    own = running_chat(RAG_RATE_PER_MINUTE="0")
    with nullcontext((options.url, None)) if options.url else own as (url, _):
        while not httpx.get(f"{url}/health", timeout=60).json().get("ready"):
            time.sleep(0.5)
        articles = [a["id"] for a in httpx.get(f"{url}/api/articles").json()["articles"] if not a["posted"]]
        to_ask = questions(articles)
        asyncio.run(measure(url, 4, 3, to_ask))  # to warm up
        print("askers  answers  answers/s  p50, s  p95, s  max, s   429   503  other", flush=True)
        for askers in options.askers.split(","):
            print(asyncio.run(measure(url, int(askers), options.seconds, to_ask)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
