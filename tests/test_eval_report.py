"""The report in a real browser: it filters, its plots are drawn, nothing is asked of the network, axe-core is content;
and the other forms hold the same results."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from eval.__main__ import main
from eval.folder import RunFolder, identity
from eval.report.plots import Chart, svg, ticks
from eval.run import ask_all
from eval.sets import Example
from rag.config import Config
from rag.types import Answer, Question
from tests.eval_fakes import ARTICLES, AlwaysAnswers, CrashesEveryThird, Perfect, answer, examples
from ui.screenshot import CHROMIUM_ARGUMENTS, chromium

PWN = '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">=1+1 🚢'


class Careful(Perfect):
    """Right, with the exact span, and one answer that is an attack on the page it is shown on."""

    def invoke(self, input: Question) -> Answer:
        if input.text == "Who drew the new pier?":
            return answer(input, 3, "Anna Berg")
        right = super().invoke(input)
        return replace(right, text=PWN, citations=()) if input.text == "Do ferries leave from it?" else right


def kept(folder: Path, chain: Perfect, held: tuple[Example, ...] = examples()) -> Path:
    run = RunFolder(folder)
    run.begin(identity("abc", held, ARTICLES, Config(top_k=len(folder.name)), {"model": "m"}), resume=False, set="s")
    for row in ask_all(held, chain, ARTICLES):
        run.add(row)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    tagged = tuple(replace(e, tags=("dev", "date") if i in (0, 4) else ("dev",)) for i, e in enumerate(examples()))
    return kept(folder / "careful", Careful(), tagged), kept(folder / "crashing", CrashesEveryThird(), tagged)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not chromium() and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to run the browser tests")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, runs: tuple[Path, Path], requests: list[str]) -> Iterator[Page]:
    """The report of both runs, opened from its file; whatever it asks for is written down."""
    out = runs[0] / "report.html"
    assert main(["report", *map(str, runs)]) == 0
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: requests.append(f"error {error}"))
    opened.goto(out.as_uri())
    opened.wait_for_selector("body.ready", state="attached")
    yield opened
    opened.close()


def ids(page: Page) -> list[str]:
    return page.locator(".question .id").all_inner_texts()


def test_filters_by_outcome_tag_and_text(page: Page) -> None:
    assert ids(page) == [f"q{i}" for i in range(9)]
    expect(page.locator("#count")).to_have_text("9 of 9 questions")
    page.select_option("#outcome", "error")
    assert ids(page) == ["q2", "q5", "q8"]
    page.select_option("#outcome", "*changed")
    assert ids(page) == ["q2", "q5", "q8"]
    page.select_option("#outcome", "")
    page.select_option("#tag", "date")
    assert ids(page) == ["q0", "q4"]
    page.fill("#text", "OPEN pier")
    assert ids(page) == ["q4"]
    expect(page.locator("#count")).to_have_text("1 of 9 questions")
    page.fill("#text", "no such words")
    assert ids(page) == []
    assert page.locator("#more").is_hidden()


def test_gold_citation_and_answer_are_marked_in_the_passages(page: Page) -> None:
    page.locator(".question", has_text="Who drew the new pier?").locator("summary").click()
    first = page.locator(".question[open] .result").first
    assert first.locator(".said strong").inner_text() == "Anna Berg"
    passage = first.locator("div.passage").first
    assert passage.locator("mark.answer").all_inner_texts() == ["Anna Berg"]
    assert passage.locator("mark.gold.cited").all_inner_texts() == [" drew it."]
    second = first.locator("div.passage").nth(1)
    assert second.locator("mark").count() == 0
    assert "confidence 0.90" in first.inner_text() and "read 2.0" in first.inner_text()
    assert page.locator(".question[open] .result h3", has_text="crashing").is_visible()


def test_the_plots_are_drawn_and_described(page: Page) -> None:
    plots = page.locator("figure svg[role=img]")
    assert plots.count() == 4
    for i in range(4):
        label = plots.nth(i).get_attribute("aria-label") or ""
        assert "careful ends at" in label and "no data" not in label
        box = plots.nth(i).bounding_box()
        assert box and box["width"] > 200 and box["height"] > 100
        lines = plots.nth(i).locator("polyline.series")
        assert lines.count() == 2
        assert all(len((lines.nth(s).get_attribute("points") or "").split()) >= 1 for s in range(2))


def test_nothing_is_asked_of_anyone_and_no_text_becomes_markup(page: Page, requests: list[str]) -> None:
    for summary in page.locator(".question > summary").all():
        summary.click()
    assert page.locator(".question[open]").count() == 9
    assert page.locator(".said", has_text="window.pwned=1").count() >= 1, "the attack is shown, as text"
    assert page.evaluate("window.pwned") is None
    assert page.locator("#list img, #list script").count() == 0
    assert [url for url in requests if not url.startswith("file:") and not url.startswith("data:")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_nothing(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for i in (3, 5, 8):
        page.locator(".question > summary").nth(i).click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_prints_without_its_controls_and_reads_on_a_phone(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("#filters").is_hidden()
    assert page.locator("#figures").is_visible() and page.locator("figure svg").first.is_visible()
    assert len(page.pdf()) > 10_000
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_reaches_a_question(page: Page) -> None:
    page.focus("#text")
    page.keyboard.type("mayor")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".question[open] .id").inner_text() == "q8"


def test_the_summary_needs_no_script(browser: Browser, runs: tuple[Path, Path]) -> None:
    assert main(["report", *map(str, runs)]) == 0
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((runs[0] / "report.html").as_uri())
    assert opened.locator("#outcomes .total td").all_inner_texts() == ["9", "9"]
    assert opened.locator("tr", has_text="config top_k").get_attribute("class") == "differs"
    assert opened.locator(".alarms li").inner_text().startswith("questions raised: 3 of 9")
    context.close()


def written(runs: tuple[Path, Path], name: str) -> str:
    out = runs[0] / name
    assert main(["report", *map(str, runs), "-o", str(out)]) == 0
    return out.read_text(encoding="utf-8")


def test_csv_has_a_line_per_result_and_no_formula(runs: tuple[Path, Path]) -> None:
    lines = list(csv.DictReader(io.StringIO(written(runs, "r.csv"))))
    assert len(lines) == 18
    assert [line["outcome"] for line in lines[9:12]] == ["right", "right", "error"]
    assert lines[3]["short"] == "Anna Berg" and lines[3]["hit_at_1"] == "1.0"
    assert all(not line["text"].startswith(("=", "+", "-", "@")) for line in lines)


def test_json_is_plain_and_has_the_alarms(runs: tuple[Path, Path]) -> None:
    held = json.loads(written(runs, "r.json"))
    assert list(held) == ["careful", "crashing"]
    assert held["crashing"]["alarms"][0]["ids"] == ["q2", "q5", "q8"]
    assert sum(held["crashing"]["outcomes"].values()) == held["crashing"]["n"] == 9


def test_junit_counts_failures_and_errors(runs: tuple[Path, Path]) -> None:
    text = written(runs, "r.junit.xml")
    suites = ElementTree.fromstring(text).findall("testsuite")
    assert [(s.get("tests"), s.get("failures"), s.get("errors")) for s in suites] == [("9", "1", "0"), ("9", "0", "3")]
    assert len(suites[1].findall("testcase/error")) == 3
    assert [c.get("name") for c in suites[0].findall("testcase") if c.find("failure") is not None] == ["q5 Do ferries leave from it?"]


def test_markdown_has_the_figures(runs: tuple[Path, Path]) -> None:
    text = written(runs, "r.md")
    assert "| hit@1 | 0.667 | 0.300 to 0.903 | 6/6 |" in text
    assert "- **questions raised**: 3 of 9" in text


def test_another_ending_is_refused(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(runs[0]), "-o", "x.docx"]) == 2
    assert "no report ends in .docx. Write .html, .json" in capsys.readouterr().err
    assert main(["report", str(runs[0] / "nowhere")]) == 2


def test_a_long_series_is_thinned_but_keeps_its_end() -> None:
    line = [(i / 9999, i / 9999) for i in range(10_000)]
    drawn = str(svg(Chart("T", "x", "y", [("a & b", line)])))
    points = drawn.split('points="')[1].split('"')[0].split()
    assert len(points) <= 241 and points[-1] == "408.0,10.0"
    assert "a &amp; b ends at 1.00" in drawn
    assert ticks(8, whole=True) == [float(i) for i in range(9)]
    assert ticks(0.07) == [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07]
    assert ticks(2500.0)[-1] == 2500.0


def test_an_empty_chart_says_so() -> None:
    assert "no data" in str(svg(Chart("T", "x", "y", [])))


def test_always_answering_shows_in_the_risk_curve() -> None:
    from eval.folder import light
    from eval.report.charts import by_rank, calibration, risk_coverage

    rows = [light(row) for row in ask_all(examples(), AlwaysAnswers(), ARTICLES)]
    assert risk_coverage(rows) == [(1.0, pytest.approx(3 / 9))]  # one confidence for all: one point
    assert calibration(rows) == [(pytest.approx(0.9), pytest.approx(6 / 9))]
    assert by_rank(rows) == [(1.0, 1.0)]
