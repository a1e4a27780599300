"""Whatever a provider does, within the deadline and a second the user has a sourced answer: real LangChain packages
against a real server on loopback that breaks in one way at a time."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.chain import QAChain
from rag.config import Config
from rag.errors import BadInput
from rag.generate import Generator
from rag.llm.faults import Breaker, Fault, Waiting, fault_of
from rag.types import Answer, Question
from tests.llm_server import LLMServer, key_of, serving

CANARY = "sk-canary-8c1f0e7d55aa4b"
DEADLINE = 2.0
SLACK = 1.0
QUESTION = Question("When did the harbour open?")
GOOD = "The harbour opened in 1892. [{key}] It was built by 340 workers. [{key}]"
PROVIDERS = ("openai", "ollama")


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    with serving(lambda prompt: GOOD.format(key=key_of(prompt, "1892"))) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: LLMServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.root + "/v1")
    monkeypatch.setenv("OLLAMA_HOST", server.root)
    server.fault, server.requests = "", []


def asking(chain: QAChain, provider: str, **settings: object) -> QAChain:
    """The chain of the six sentences, with a language model."""
    config = replace(chain._config, llm=f"{provider}:m", llm_deadline_s=DEADLINE, **settings)  # type: ignore[arg-type]
    return QAChain(chain._index, chain._embedder, config, chain._answerer, chain._notice, Generator.load(config))


def timed(chain: QAChain, provider: str) -> tuple[Answer, float]:
    """The answer, and how many seconds it took from the question on. Other programs may have the processor, so the best
    of three counts: a hang has no good try."""
    tries: list[tuple[Answer, float]] = []
    while len(tries) < 3 and not (tries and tries[-1][1] < DEADLINE + SLACK):
        fresh = asking(chain, provider)  # its breaker remembers nothing
        began = time.perf_counter()
        tries.append((fresh.invoke(QUESTION), time.perf_counter() - began))
    return tries[-1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_that_works_answers_in_prose_with_exact_citations(chain: QAChain, provider: str) -> None:
    answer = asking(chain, provider).invoke(QUESTION)
    assert answer.text == "The harbour opened in 1892. [1] It was built by 340 workers. [2]"
    assert [c.quote for c in answer.citations] == ["The harbour opened in 1892.", "It was built by 340 workers."]
    assert (answer.answerer, answer.refused, answer.notice) == (f"{provider}:m", False, None)
    assert answer.llm is not None and answer.llm.unsupported == () and answer.llm.fault is None
    assert (answer.llm.usage["input_tokens"], answer.llm.usage["output_tokens"]) == (120, 11)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("401", "refused the key (401)"),
        ("403", "refused the key (403)"),
        ("wrong model", "does not exist on the server (404)"),
        ("429", "has too many requests (429)"),
        ("500", "failed (500)"),
        ("503", "failed (503)"),
        ("slow first token", "took too long"),
        ("stall", "stopped in the middle"),
        ("cut mid-token", None),
        ("invalid json", None),
        ("no finish", "broke off"),
        ("endless", "does not stop talking"),
        ("empty", "said nothing"),
    ],
)
def test_a_fault_ends_in_the_embedded_answer_with_a_quiet_notice(
    chain: QAChain, server: LLMServer, provider: str, fault: str, why: str | None
) -> None:
    server.fault = fault
    answer, seconds = timed(chain, provider)
    assert seconds < DEADLINE + SLACK
    assert answer.text == chain.invoke(QUESTION).text and answer.citations[0].quote == "The harbour opened in 1892."
    assert answer.answerer in ("reader", "sentences") and answer.llm is not None
    slow = f"{provider}:m took too long"  # what a busy machine makes of any of them
    assert why is None or answer.llm.fault in (f"{provider}:m {why}", slow)
    assert answer.notice is not None and answer.notice.startswith(f"Answered without the language model: {provider}:m ")


def test_a_server_that_is_not_there_is_said(chain: QAChain, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: refuses
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{taken.getsockname()[1]}")
        for provider in PROVIDERS:
            answer, seconds = timed(chain, provider)
            assert seconds < DEADLINE + SLACK and answer.citations
            assert answer.llm is not None and answer.llm.fault == f"{provider}:m can not be reached"


def test_a_missing_key_is_said(chain: QAChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    answer = asking(chain, "openai").invoke(QUESTION)
    assert answer.llm is not None and answer.llm.fault == "openai:m has no key"
    assert answer.citations[0].quote == "The harbour opened in 1892."


@pytest.mark.parametrize("fault", ["stall", "cut mid-token", "no finish", "invalid json"])
def test_what_was_streamed_before_a_fault_is_taken_back_whole(chain: QAChain, server: LLMServer, fault: str) -> None:
    server.fault = fault
    *growing, last = asking(chain, "openai").stream(QUESTION)
    assert all(a.text == "The harbour opened in 1892. [1]" and a.answerer == "openai:m" for a in growing)
    assert last.answerer != "openai:m" and last.text == chain.invoke(QUESTION).text


def test_an_answer_cut_at_its_length_limit_ends_with_a_whole_sentence(chain: QAChain, server: LLMServer) -> None:
    server.fault = "length"
    server.say, said = (
        lambda prompt: "The harbour opened in 1892. [" + key_of(prompt, "1892") + "] It was bui",
        server.say,
    )
    try:
        answer = asking(chain, "openai").invoke(QUESTION)
    finally:
        server.say = said
    assert (answer.text, answer.answerer) == ("The harbour opened in 1892. [1]", "openai:m")


@pytest.mark.parametrize("fault", ["401", "500", "slow first token"])
def test_a_dead_provider_does_not_slow_each_question(chain: QAChain, server: LLMServer, fault: str) -> None:
    server.fault = fault
    dead = asking(chain, "openai")
    for _ in range(2):
        dead.invoke(QUESTION)
    asked = len(server.requests)
    answer = dead.invoke(QUESTION)
    assert len(server.requests) == asked  # not asked again, so not waited for
    assert answer.llm is not None and answer.llm.fault is not None and answer.llm.fault.endswith(" a moment ago")


def test_the_breaker_rests_as_long_as_the_provider_asks_then_lets_one_try() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    breaker.enter()
    breaker.failed(Fault("has too many requests (429)", certain=True, rest=7))
    now = 6.9
    with pytest.raises(Waiting, match="429. a moment ago"):
        breaker.enter()
    now = 7.1
    breaker.enter()  # the one that tries
    with pytest.raises(Waiting):
        breaker.enter()
    breaker.succeeded()
    breaker.enter()


def test_one_doubtful_fault_is_forgiven_two_are_not() -> None:
    breaker = Breaker(lambda: 0.0)
    breaker.failed(Fault("failed (500)"))
    breaker.enter()
    breaker.failed(Fault("failed (500)"))
    with pytest.raises(Waiting):
        breaker.enter()


def test_retry_after_is_read_from_the_real_package(chain: QAChain, server: LLMServer) -> None:
    server.fault = "429"
    model = asking(chain, "openai")._llm._model  # type: ignore[union-attr]
    with pytest.raises(Exception) as raised:
        model.invoke("hello")  # type: ignore[union-attr]
    fault = fault_of(raised.value)
    assert (fault.why, fault.certain, fault.rest) == ("has too many requests (429)", True, 7.0)


@pytest.mark.parametrize("fault", ["", "401", "429", "500", "invalid json", "cut mid-token", "no finish"])
def test_the_key_is_in_no_log_error_or_answer(
    chain: QAChain, server: LLMServer, fault: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.fault = fault
    with caplog.at_level(logging.DEBUG):
        asked = asking(chain, "openai")
        answer = asked.invoke(Question("When did it open?", history=("Tell me about the harbour",)))
    assert any(CANARY in str(r["headers"]) for r in server.requests)  # it was sent, and the 401 repeats it
    printed = capfd.readouterr()
    seen = caplog.text + str(answer) + str(answer.as_json()) + repr(asked._llm._model) + printed.out + printed.err  # type: ignore[union-attr]
    assert CANARY not in seen and CANARY[:12] not in seen


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"llm": "gpt-4.1-mini"}, "RAG_LLM='gpt-4.1-mini' is not provider:model"),
        ({"llm": "nobody:m"}, "there is no such provider"),
        ({"llm": "openai:m", "llm_unsupported": "hide"}, "RAG_LLM_UNSUPPORTED='hide'"),
        ({"llm": "openai:m", "llm_deadline_s": 0.0}, "RAG_LLM_DEADLINE_S=0.0"),
        ({"llm": "openai:m", "llm_context": 10}, "RAG_LLM_CONTEXT=10"),
        ({"llm": "openai:m", "llm_cache": "/nowhere/there/file"}, "RAG_LLM_CACHE=/nowhere/there/file"),
    ],
)
def test_a_setting_that_can_not_work_is_one_line(settings: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said.replace("[", r"\[")) as raised:
        Generator.load(Config(**settings))  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
