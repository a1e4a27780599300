"""The API over a real server: asking, streaming, articles, and each kind of bad request."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.load import load_articles
from tests.web import ROOMY, replace, running, small_corpus
from ui.backend import Backend
from ui.settings import Settings

LOFT = "The loft holds nine hives. The beekeeper, Jonas Lund, visits them on Sundays. A jar of honey costs 90 kroner."
HTML = """<html><head><title>Bees</title></head><body><nav>Menu</nav><article><p>The loft holds <b>nine</b> hives, and all of
them were built by hand.</p><p>A jar of their ho&shy;ney costs 90&nbsp;kroner at the market on Sundays.</p><script>x()</script>
</article></body></html>"""
SHUT = 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Backend]]:
    with running(small_corpus(tmp_path_factory.mktemp("api")), replace(ROOMY, max_article_kb=200, max_posted=3)) as site:
        yield site


@pytest.fixture
def api(site: tuple[str, Backend]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site[0], timeout=60) as client:
        yield client


def error_of(response: httpx.Response) -> str:
    """The message, after a look at the shape."""
    body = response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type"}
    assert "\n" not in body["error"]["message"] and "Traceback" not in response.text
    return str(body["error"]["message"])


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_an_answer_is_the_object_of_the_command_line_and_its_quotes_are_the_articles(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "Who lit the first lamp?"}).json()
    assert {"question", "query", "short", "text", "refused", "confidence", "citations", "passages", "timings_ms"} <= set(answer)
    text = api.get("/api/articles/harbour").json()["text"]
    assert answer["citations"][0]["quote"] == "Captain Ida Holm lit the first lamp."
    assert [text[c["start"] : c["end"]] for c in answer["citations"]] == [c["quote"] for c in answer["citations"]]


def test_an_article_is_asked_by_its_slug_and_a_follow_up_by_its_history(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "How much does entry to the museum cost?", "article": "museum"}).json()
    assert answer["citations"][0]["quote"] == "Entry costs four euros."
    follow_up = {"question": "And when?", "history": ["Who is Captain Holm?"]}
    assert api.post("/api/ask", json=follow_up).json()["query"] == "Who is Captain Holm? And when?"


def test_a_stream_grows_and_ends_with_done(api: httpx.Client) -> None:
    response = api.post("/api/ask", json={"question": "Summarize the article"}, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    names, snapshots = zip(*events(response.text), strict=True)
    assert names == ("snapshot",) * (len(names) - 1) + ("done",)
    counts = [len(s["citations"]) for s in snapshots[:-1]]
    assert counts == list(range(1, len(counts) + 1)) and len(counts) > 1


def test_the_articles_are_listed_and_read(api: httpx.Client) -> None:
    listed = {a["id"]: a for a in api.get("/api/articles").json()["articles"]}
    assert listed["harbour"] == {
        "id": "harbour", "title": "The harbour of Lund", "source": "harbour.md", "publisher": "Lund Post",
        "published": "3 May", "byline": None, "characters": 176, "posted": False, "default": True,
    }  # fmt: skip
    assert api.get("/api/articles/museum").json()["text"].startswith("The museum shows 78")


def test_health_and_docs(api: httpx.Client) -> None:
    health = api.get("/health").json()
    assert health.pop("articles") >= 2
    assert health == {"status": "ok", "ready": True, "answering": 0, "places": 64}
    docs = api.get("/docs").text
    assert "POST /api/ask" in docs and "POST /v1/chat/completions" in docs and "http-equiv" not in docs
    assert "<script" not in docs and "//" not in docs.replace("http://127.0.0.1", "")  # nothing from elsewhere
    assert "/api/articles/{slug}" in api.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"question": ', 400, "not JSON"),
        (b"\xff\xfe", 400, ""),
        (b"[" * 50_000, 400, ""),
        (b"[]", 422, "body"),
        (b"{}", 422, "question: Field required."),
        (b'{"question": 7}', 422, "question:"),
        (b'{"question": "  "}', 422, "The question is empty"),
        (b'{"question": "?!"}', 422, "holds no word"),
        (b'{"question": "Who?", "article": "nobody"}', 404, "There is no such article"),
        (b'{"question": "Who?", "article": "../../etc/passwd"}', 404, "There is no such article"),
        (json.dumps({"question": "Who? " * 20_000}).encode(), 422, "The question has 100,000 characters"),
        (json.dumps({"question": "Who?", "history": ["x" * 3000]}).encode(), 422, "2,000"),
        (json.dumps({"question": "Who?", "history": ["x"] * 21}).encode(), 422, "history:"),
    ],
)
def test_a_bad_question_has_a_status_and_a_line(api: httpx.Client, body: bytes, status: int, message: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        headers = {"Content-Type": "application/json", "Accept": accept}
        response = api.post("/api/ask", content=body, headers=headers)
        assert response.status_code == status
        assert message in error_of(response)


def test_odd_characters_are_no_fault_of_the_server(api: httpx.Client) -> None:
    for odd in ("\\ud800 Who built it?", "Who\\u0000 built it?", "\\u202eWho built it?", "Ⅷ who built it? 🚢"):
        response = api.post("/api/ask", content=f'{{"question": "{odd}"}}'.encode(), headers={"Content-Type": "application/json"})
        assert response.status_code == 200, odd


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["question", "article", "history", "messages", "role", "content", "model", "stream", "text", "url", "title"]), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=ANYTHING | st.fixed_dictionaries({"question": st.text(st.characters(), max_size=200)}), route=st.sampled_from(["/api/ask", "/v1/chat/completions"]))
def test_no_body_is_a_fault_of_the_server(site: tuple[str, Backend], body: object, route: str) -> None:
    response = httpx.post(site[0] + route, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, timeout=60)
    assert response.status_code in (200, 400, 404, 422), response.text
    assert response.headers["content-type"].startswith("text/event-stream") or response.json()


def test_a_large_body_is_refused_unread_and_in_time(api: httpx.Client) -> None:
    large = b"x" * 20_000_000
    assert "128 kB" in error_of(api.post("/api/ask", content=large))
    assert api.post("/api/articles", content=large).status_code == 413
    chunked = api.post("/api/ask", content=(b"x" * 100_000 for _ in range(200)))
    assert chunked.status_code == 413


def test_an_article_that_is_not_there_is_said_to_be_so(api: httpx.Client) -> None:
    assert api.get("/api/ask").status_code == 404
    assert "GET /api/articles lists" in error_of(api.get("/api/articles/nobody"))


def test_who_leaves_in_mid_stream_leaves_a_free_place(site: tuple[str, Backend], api: httpx.Client) -> None:
    for _ in range(5):
        connection = http.client.HTTPConnection(site[0].removeprefix("http://"))
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        connection.request("POST", "/api/ask", json.dumps({"question": "Summarize the article"}), headers)
        connection.sock.recv(10)
        connection.close()
    deadline = time.monotonic() + SHUT
    while api.get("/health").json()["answering"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert api.get("/health").json()["answering"] == 0
    assert api.post("/api/ask", json={"question": "Who lit the first lamp?"}).status_code == 200


def test_a_posted_article_is_asked_at_once_replaced_and_kept_apart(api: httpx.Client, site: tuple[str, Backend]) -> None:
    post = {"title": "Bees in the loft", "text": LOFT, "url": "https://news.example/bees#top"}
    first = api.post("/api/articles", json=post)
    assert first.status_code == 201
    slug = first.json()["article"]
    assert first.json() == {"article": slug, "status": "indexed"} and slug.startswith("bees-loft-")
    answer = api.post("/api/ask", json={"question": "What does a jar of honey cost?", "article": slug}).json()
    assert answer["citations"][0]["quote"] == "A jar of honey costs 90 kroner."
    assert api.post("/api/articles", json=post).json() == {"article": slug, "status": "unchanged"}
    newer = {**post, "title": "Bees, again", "text": LOFT.replace("90 kroner", "120 kroner")}
    assert api.post("/api/articles", json=newer).json() == {"article": slug, "status": "replaced"}
    answer = api.post("/api/ask", json={"question": "What does a jar of honey cost?", "article": slug}).json()
    assert answer["citations"][0]["quote"] == "A jar of honey costs 120 kroner."
    config = site[1].config
    assert [a.id for a in load_articles(config.index / "posted" / f"{slug}.md", 1)] == [slug]
    assert sorted(p.name for p in config.corpus.glob("*")) == ["harbour.md", "museum.md"]
    listed = {a["id"]: a for a in api.get("/api/articles").json()["articles"]}
    assert (listed[slug]["source"], listed[slug]["posted"]) == ("https://news.example/bees", True)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("markdown", "# Bees\n\nThe **loft** holds [nine hives](http://x.example).\n\n## Honey\n\nA jar costs 90 kroner.", "The loft holds nine hives.\n\nHoney\n\nA jar costs 90 kroner."),
        ("html", HTML, "The loft holds nine hives, and all of them were built by hand.\n\nA jar of their honey costs 90 kroner at the market on Sundays."),
        ("text", "The loft holds nine hives.\r\n\r\n\r\nA jar costs 90\u00a0kroner.", "The loft holds nine hives.\n\nA jar costs 90 kroner."),
    ],
)  # fmt: skip
def test_each_format_is_read(api: httpx.Client, form: str, text: str, expected: str) -> None:
    slug = api.post("/api/articles", json={"title": f"Bees {form}", "text": text, "format": form}).json()["article"]
    assert api.get(f"/api/articles/{slug}").json()["text"] == expected


@pytest.mark.parametrize(
    ("post", "status", "message"),
    [
        ({"title": "x"}, 422, "text: Field required"),
        ({"text": " \n\u200b"}, 422, "The article is empty"),
        ({"text": LOFT, "format": "pdf"}, 422, "The format 'pdf' is not known"),
        ({"text": LOFT, "url": "javascript:alert(1)"}, 422, "is not the address of a page"),
        ({"text": LOFT, "url": "file:///etc/passwd"}, 422, "is not the address of a page"),
        ({"text": LOFT, "url": "http://a.example/\ud800"}, 422, "is not the address of a page"),
        ({"text": "long " * 50_000}, 422, "The article has 250 kB; the limit is 200 kB"),
    ],
)
def test_a_bad_article_has_a_status_and_a_line(api: httpx.Client, post: dict[str, str], status: int, message: str) -> None:
    response = api.post("/api/articles", content=json.dumps(post).encode(), headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert message in error_of(response)


def test_the_oldest_posted_article_makes_room(api: httpx.Client, site: tuple[str, Backend]) -> None:
    slugs = [api.post("/api/articles", json={"title": f"Note {n}", "text": f"Note number {n} is short."}).json()["article"] for n in range(4)]
    posted = [a["id"] for a in api.get("/api/articles").json()["articles"] if a["posted"]]
    assert sorted(posted) == sorted(slugs[1:])
    gone = api.post("/api/ask", json={"question": "What is short?", "article": slugs[0]})
    assert gone.status_code == 404


def test_posts_at_one_time_are_all_kept_and_disturb_no_answer(api: httpx.Client, site: tuple[str, Backend]) -> None:
    statuses: list[int] = []
    wrong: list[str] = []
    done = threading.Event()

    def post(n: int) -> None:
        body = {"title": f"At once {n}", "text": f"Boat number {n} carries {n + 40} sheep."}
        statuses.append(httpx.post(f"{site[0]}/api/articles", json=body, timeout=120).status_code)

    def keep_asking() -> None:
        while not done.is_set():
            answer = httpx.post(f"{site[0]}/api/ask", json={"question": "Who lit the first lamp?"}, timeout=60).json()
            if [c["quote"] for c in answer.get("citations", [])] != ["Captain Ida Holm lit the first lamp."]:
                wrong.append(json.dumps(answer))

    askers = [threading.Thread(target=keep_asking) for _ in range(3)]
    posters = [threading.Thread(target=post, args=(n,)) for n in range(3)]
    for thread in askers + posters:
        thread.start()
    for thread in posters:
        thread.join()
    done.set()
    for thread in askers:
        thread.join()
    assert statuses == [201] * 3 and wrong == []
    titles = {a["title"] for a in api.get("/api/articles").json()["articles"]}
    assert {"At once 0", "At once 1", "At once 2"} <= titles


def test_an_article_that_can_not_be_indexed_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.errors import StoreUnavailable

    backend = Backend(small_corpus(tmp_path))
    slug = backend.add_article("Bees", LOFT, "https://news.example/bees")
    before = {p.name: p.read_bytes() for p in (tmp_path / "index" / "posted").iterdir()}

    def full(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr("rag.build._write", full)
    for url in ("https://news.example/bees", "https://news.example/wasps"):
        with pytest.raises(StoreUnavailable):
            backend.add_article("Bees", LOFT + " More.", url)
    assert {p.name: p.read_bytes() for p in (tmp_path / "index" / "posted").iterdir()} == before
    assert slug.startswith("bees-")


def test_settings_that_do_not_fit_are_one_line_naming_the_variable() -> None:
    from rag.errors import BadInput

    assert Settings.from_env({"RAG_ALLOWED_ORIGINS": "https://a.example, http://B.example:8080/"}).allowed_origins == (
        "https://a.example", "http://b.example:8080",
    )  # fmt: skip
    for name, value in (
        ("ALLOWED_ORIGINS", "*"), ("ALLOWED_ORIGINS", "https://a.example/path"), ("ALLOWED_ORIGINS", "https://a.example;script-src"),
        ("RATE_PER_MINUTE", "fast"), ("MAX_WAITING", "-1"), ("TRUSTED_PROXIES", "proxy"), ("RATE_BURST", "nan"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=f"RAG_{name}"):
            Settings.from_env({f"RAG_{name}": value})


def test_a_server_that_takes_no_articles_writes_none(tmp_path: Path) -> None:
    config = small_corpus(tmp_path)
    backend = Backend(config, Settings(max_posted=0))
    from rag.errors import BadInput

    with pytest.raises(BadInput, match="RAG_MAX_POSTED"):
        backend.add_article("Bees", LOFT)
    assert not (config.index / "posted").exists()
