"""The gate: origins, hosts, closed routes, rates, sizes, overload, headers; each against the real application."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import httpx
import pytest

from rag.config import Config
from rag.types import Question
from tests.web import running, small_corpus
from ui.asking import Desk
from ui.backend import Backend
from ui.batch import Together
from ui.limits import Buckets, client_of
from ui.settings import Settings

NEWS = "https://news.example"
ASK = {"question": "Who lit the first lamp?"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return small_corpus(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def site(home: Config) -> Iterator[tuple[str, Backend]]:
    """One allowed origin, loopback's host names, ten questions at once for each client behind the trusted proxy."""
    settings = Settings(
        allowed_origins=(NEWS,), hosts=("127.0.0.1",), trusted_proxies=("127.0.0.0/8",), rate_per_minute=60, rate_burst=10
    )
    with running(home, settings) as site:
        yield site


client_number = iter(range(1, 250))


@pytest.fixture
def api(site: tuple[str, Backend]) -> Iterator[httpx.Client]:
    """A client of its own address, so that one test does not spend another's tokens."""
    with httpx.Client(base_url=site[0], timeout=60, headers={"X-Forwarded-For": f"203.0.113.{next(client_number)}"}) as client:
        yield client


def test_every_answer_has_the_headers(api: httpx.Client) -> None:
    for path in ("/", "/embed", "/demo", "/docs", "/api/articles", "/widget.js", "/nothing", "/gradio_api/info"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert "object-src 'none'" in headers["content-security-policy"] or "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert not re.search(r"script-src[^;]*unsafe-inline", headers["content-security-policy"])
        assert "set-cookie" not in headers or path == "/"


def test_the_allow_list_drives_framing_and_cors_alike(api: httpx.Client) -> None:
    for path in ("/", "/embed", "/demo"):
        headers = api.get(path).headers
        assert f"frame-ancestors 'self' {NEWS}" in headers["content-security-policy"] and "x-frame-options" not in headers
    allowed = api.post("/api/ask", json=ASK, headers={"Origin": NEWS})
    assert allowed.status_code == 200 and allowed.headers["access-control-allow-origin"] == NEWS
    assert "access-control-allow-credentials" not in allowed.headers
    preflight = {"Origin": NEWS, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert api.options("/api/ask", headers=preflight).headers["access-control-allow-origin"] == NEWS


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://news.example.evil.example", "http://news.example", "https://news.example:8443"])
def test_a_foreign_origin_gets_403_and_no_cors_header(api: httpx.Client, origin: str) -> None:
    for method, path in (("POST", "/api/ask"), ("GET", "/api/articles"), ("POST", "/v1/chat/completions"), ("POST", "/mcp"), ("POST", "/gradio_api/queue/join")):
        response = api.request(method, path, json=ASK, headers={"Origin": origin})
        assert response.status_code == 403, path
        assert "access-control-allow-origin" not in response.headers
        assert response.json()["error"]["type"] == "forbidden"


def test_without_a_list_only_our_own_origin_is_let_in(home: Config) -> None:
    with running(home) as (url, _), httpx.Client(base_url=url, timeout=60) as api:
        assert api.post("/api/ask", json=ASK, headers={"Origin": url}).status_code == 200
        assert api.post("/api/ask", json=ASK, headers={"Origin": NEWS}).status_code == 403
        headers = api.get("/embed").headers
        assert "frame-ancestors 'self'" in headers["content-security-policy"] and NEWS not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"


def test_another_host_name_is_not_answered(api: httpx.Client) -> None:
    """A page whose name leads to 127.0.0.1 (DNS rebinding) is of the same origin as we would be."""
    for host in ("evil.example", "evil.example:7860", "[", ""):
        response = api.post("/api/ask", json=ASK, headers={"Host": host, "Origin": f"http://{host}"})
        assert response.status_code in (400, 421), host


def test_a_site_posts_articles_of_its_own_only(api: httpx.Client) -> None:
    post = {"title": "x", "text": "A short note about a boat.", "url": "https://other.example/a"}
    assert api.post("/api/articles", json=post, headers={"Origin": NEWS}).status_code == 403
    assert api.post("/api/articles", json={**post, "url": f"{NEWS}/a"}, headers={"Origin": NEWS}).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "file=http://10.0.0.1/", "file=https://example.com/x", "file=//http://x", "file/http://x", "proxy=http://10.0.0.1/",
        "api/ask", "deep_link", "run-history/buckets", "runs", "stream/x", "vibe-code", "profiling/summary", "openapi.json",
        "component_server", "custom_component/x/client/component/index.js",
    ],
)  # fmt: skip
def test_what_gradio_opens_and_nobody_needs_is_closed(api: httpx.Client, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        assert api.request(method, f"/gradio_api/{path}").status_code == 404
    for path in ("/monitoring", "/monitoring/summary", "/login"):
        assert api.get(path).status_code == 404


def test_files_come_from_the_chat_page_only(api: httpx.Client, site: tuple[str, Backend]) -> None:
    files = {"files": ("note.txt", b"A note.", "text/plain")}
    for headers in ({}, {"Origin": NEWS}, {"Origin": "https://evil.example"}):
        assert api.post("/gradio_api/upload", files=files, headers=headers).status_code == 403
    own = {"Origin": site[0], "X-Forwarded-For": "203.0.113.251"}
    assert api.post("/gradio_api/upload", files=files, headers=own).status_code == 200
    large = {"files": ("big.txt", b"x" * 3_000_000, "text/plain")}
    assert api.post("/gradio_api/upload", files=large, headers=own).status_code == 413


def test_who_asks_too_fast_is_told_when_to_come_back(api: httpx.Client) -> None:
    statuses = [api.post("/api/ask", json={"question": "?"}).status_code for _ in range(10)]
    assert statuses == [422] * 10
    response = api.post("/api/ask", json=ASK, headers={"Origin": NEWS})
    assert response.status_code == 429 and int(response.headers["retry-after"]) >= 1
    assert response.json()["error"]["type"] == "rate_limit_exceeded"
    assert "Retry-After" in response.headers["access-control-expose-headers"]
    assert api.get("/api/articles").status_code == 200
    assert api.post("/api/ask", json=ASK, headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 200


def test_a_forged_forwarding_header_does_not_make_another_client() -> None:
    assert client_of("203.0.113.9", "1.2.3.4", ()) == "203.0.113.9"
    assert client_of("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.1.1", ("127.0.0.1", "10.0.0.0/8")) == "203.0.113.9"
    assert client_of("127.0.0.1", "nonsense", ("127.0.0.1",)) == "127.0.0.1"
    assert client_of("2001:db8:1:2:3::4", "", ()) == client_of("2001:db8:1:2:ffff::", "", ()) == "2001:db8:1:2::/64"


def test_buckets_forget_whoever_was_not_seen_for_longest() -> None:
    buckets = Buckets(per_minute=1, burst=1, now=lambda: 0.0)
    assert buckets.take("first") == 0 and buckets.take("first") == 60
    for n in range(10_001):
        buckets.take(str(n))
    assert buckets.take("first") == 0


class Slow:
    """A chain that answers when it is let."""

    def __init__(self) -> None:
        self.let, self.asked = threading.Event(), 0

    def invoke(self, question: Question) -> Question:
        self.asked += 1
        assert self.let.wait(60)
        return question


def test_one_question_too_many_is_refused_at_once_and_places_come_free(home: Config) -> None:
    import anyio

    from ui.limits import Overloaded

    slow = Slow()
    backend = Backend(home)
    backend.start = lambda: None  # type: ignore[method-assign]
    backend.chain = lambda timeout: slow  # type: ignore[method-assign, assignment, return-value]

    async def story() -> None:
        desk = Desk(backend, most=2)
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(desk.answer, Question("Who?"))
            while slow.asked < 2:
                await anyio.sleep(0.01)
            with pytest.raises(Overloaded):
                await desk.answer(Question("Who?"))
            assert slow.asked == 2
            slow.let.set()
        assert desk.places.taken == 0
        await desk.answer(Question("Who?"))

    anyio.run(story)


def test_an_overloaded_server_says_503_with_retry_after(home: Config) -> None:
    with running(home, Settings(max_waiting=0, rate_per_minute=0)) as (url, _):
        for accept in ("application/json", "text/event-stream"):
            response = httpx.post(f"{url}/api/ask", json=ASK, headers={"Accept": accept})
            assert response.status_code == 503 and response.headers["retry-after"] == "2"
            assert response.json()["error"]["type"] == "overloaded"


def test_a_fault_nobody_foresaw_is_a_line_and_the_log_has_the_rest(site: tuple[str, Backend], api: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    chain = site[1].chain(0)
    assert chain

    def broken(*_: object) -> None:
        raise ZeroDivisionError("/secret/path")

    monkeypatch.setattr(chain, "_answers", broken)
    response = api.post("/api/ask", json=ASK)
    assert response.status_code == 500 and "secret" not in response.text and "nosniff" in response.headers["x-content-type-options"]
    assert "/secret/path" in caplog.text


def test_a_nonce_is_new_each_time_and_on_every_script(api: httpx.Client) -> None:
    nonces = set()
    for _ in range(2):
        response = api.get("/", headers={"Accept": "text/html", "Accept-Encoding": "gzip, br"})
        match = re.search(r"'nonce-([^']+)'", response.headers["content-security-policy"])
        assert match
        scripts = re.findall(r"<script[^>]*>", response.text)
        assert len(scripts) > 3 and all(f'nonce="{match[1]}"' in s for s in scripts)
        nonces.add(match[1])
    assert len(nonces) == 2


def test_calls_that_meet_are_computed_together_and_a_bad_one_fails_alone() -> None:
    batches: list[list[int]] = []
    first, go = threading.Event(), threading.Event()

    def double(items: list[int]) -> list[int]:
        batches.append(items)
        if len(batches) == 1:
            first.set()
            assert go.wait(60)
        if -1 in items:
            raise ValueError("minus one")
        return [2 * n for n in items]

    together: Together[int, int] = Together(double, most=8)
    results: dict[int, object] = {}

    def call(n: int) -> None:
        try:
            results[n] = together([n, n])
        except ValueError as fault:
            results[n] = str(fault)

    threads = [threading.Thread(target=call, args=(0,))]
    threads[0].start()
    assert first.wait(60)
    for n in (1, 2, -1, 3, 4, 5):
        threads.append(threading.Thread(target=call, args=(n,)))
        threads[-1].start()
        while len(together._waiting) < len(threads) - 1:
            pass
    go.set()
    for thread in threads:
        thread.join()
    assert results == {0: [0, 0], 1: [2, 2], 2: [4, 4], -1: "minus one", 3: [6, 6], 4: [8, 8], 5: [10, 10]}
    assert batches[1] == [1, 1, 2, 2, -1, -1, 3, 3] and batches[-1] == [4, 4, 5, 5]
