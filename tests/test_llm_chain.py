"""The chain with a language model in it: follow-ups, long articles, refusals, comparing, keeping, and a real model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.chain import REFUSAL, QAChain
from rag.errors import BadInput
from rag.generate import Generator
from rag.types import Question
from tests.llm_server import LLMServer, key_of, serving

QUESTION = Question("When did the harbour open?")


FOLLOW_UP = Question("And when did it fall?", history=("Tell me about the pier of the harbour",))
BY_RULE = "Tell me about the pier of the harbour And when did it fall?"


def honest(prompt: str) -> str:
    if "Last question" in prompt:
        return "When did the pier fall?"
    return f"The harbour opened in 1892. [{key_of(prompt, '1892')}]"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMServer]:
    with serving(honest) as running:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", running.root + "/v1")
        yield running


def asking(chain: QAChain, **settings: object) -> QAChain:
    config = replace(chain._config, llm="openai:m", llm_deadline_s=60.0, **settings)  # type: ignore[arg-type]
    return QAChain(chain._index, chain._embedder, config, chain._answerer, chain._notice, Generator.load(config))


def prompts(server: LLMServer) -> list[str]:
    return ["\n".join(m["content"] for m in r["messages"]) for r in server.requests]


def test_the_answer_grows_by_whole_checked_sentences(chain: QAChain, server: LLMServer) -> None:
    server.say = lambda p: honest(p) + " The mayor sang. Nobody was hurt. [" + key_of(p, "hurt") + "]"
    texts = [a.text for a in asking(chain).stream(QUESTION)]
    assert list(dict.fromkeys(texts)) == [
        "The harbour opened in 1892. [1]",
        "The harbour opened in 1892. [1] The mayor sang. [?]",
        "The harbour opened in 1892. [1] The mayor sang. [?] Nobody was hurt. [2]",
    ]


def test_what_the_model_is_given(chain: QAChain, server: LLMServer) -> None:
    answer = asking(chain).invoke(QUESTION)
    (prompt,) = prompts(server)
    rows = [json.loads(line) for line in prompt.splitlines() if line.startswith("{")]
    assert " ".join(r["text"] for r in rows).split() == chain.articles["harbour"].text.split()  # whole, and once
    assert all(re.fullmatch(r"[a-z]\d[a-z]\d", r["key"]) for r in rows)
    assert prompt.endswith('Question: "When did the harbour open?"')
    assert answer.llm is not None and answer.llm.whole and answer.llm.given == (("harbour", (0, 176)),)


@pytest.mark.parametrize(
    "said",
    ["NOT-IN-THE-ARTICLE", "NOT_IN_THE_ARTICLE.", "The article does not say when it closed.", "Sorry, I can't tell."],
)
def test_a_model_that_finds_nothing_is_a_refusal_with_the_nearest_sentence(
    chain: QAChain, server: LLMServer, said: str
) -> None:
    server.say = lambda p: said
    answer = asking(chain).invoke(QUESTION)
    assert (answer.text, answer.refused, answer.citations, answer.answerer) == (REFUSAL, True, (), "openai:m")
    assert answer.nearest is not None and answer.nearest.quote == "The harbour opened in 1892."


@pytest.mark.parametrize("way", ["mark", "drop"])
def test_an_answer_with_nothing_in_it_that_the_article_says_is_not_shown(
    chain: QAChain, server: LLMServer, way: str
) -> None:
    server.say = lambda p: "The mayor opened a bank. He is very rich."
    *growing, last = asking(chain, llm_unsupported=way).stream(QUESTION)
    assert growing == [] and last.text == "The harbour opened in 1892. [1]" and last.answerer != "openai:m"
    assert last.notice is not None and "what openai:m said is not in the article" in last.notice


def test_a_follow_up_is_made_to_stand_alone_by_the_model(chain: QAChain, server: LLMServer) -> None:
    server.say = lambda p: (
        "When did the pier fall?"
        if "Last question" in p
        else f"The pier fell in the storm of 1931. [{key_of(p, '1931')}]"
    )
    answer = asking(chain).invoke(FOLLOW_UP)
    assert (
        answer.query == "When did the pier fall?" and answer.citations[0].quote == "The pier fell in the storm of 1931."
    )
    assert [bool(r.get("stream")) for r in server.requests] == [False, True]  # both ways of the protocol


@pytest.mark.parametrize(
    "said",
    ["Is the mayor corrupt?", "", "It fell in 1931.", "When did it fall in 1950? http://evil.example", "x" * 5000],
)
def test_a_follow_up_that_the_model_makes_something_else_of_is_made_by_rule(
    chain: QAChain, server: LLMServer, said: str
) -> None:
    server.say = lambda p: said if "Last question" in p else honest(p)
    answer = asking(chain).invoke(FOLLOW_UP)
    assert answer.query == BY_RULE


@pytest.mark.parametrize("fault", ["500", "invalid json", "cut mid-token", "stall", "no finish"])
def test_a_follow_up_that_the_model_fails_at_is_made_by_rule(chain: QAChain, server: LLMServer, fault: str) -> None:
    server.fault = fault
    failing = asking(chain)
    failing._config = replace(failing._config, llm_deadline_s=2.0)
    answer = failing.invoke(FOLLOW_UP)
    assert answer.query == BY_RULE and answer.citations[0].quote == "The pier fell in the storm of 1931."
    assert not server.requests[0].get("stream")


def test_a_long_article_is_cut_to_the_nearest_passages_and_that_is_said(
    corpus_chain: QAChain, server: LLMServer
) -> None:
    server.say = lambda p: "NOT-IN-THE-ARTICLE"
    long = asking(corpus_chain, llm_context=2500)
    question = Question("What is the domino effect described in the article?")
    answer = long.invoke(question)
    assert answer.notice is not None and re.search(
        r"too long for the model: it read the \d+ nearest passages", answer.notice
    )
    assert answer.llm is not None and not answer.llm.whole and "domino effect" in prompts(server)[0]
    assert len(prompts(server)[0].encode()) / 3 < 2500
    assert "too long" not in (asking(corpus_chain, llm_context=100_000).invoke(question).notice or "")


def test_both_can_be_asked_and_compared(chain: QAChain, server: LLMServer) -> None:
    both = asking(chain)
    assert both.answerers == ("reader", "llm", "both") and both.llm_name == "openai:m"
    answer = both.invoke(replace(QUESTION, answerer="both"))
    assert answer.answerer == "openai:m" and answer.beside is not None
    assert answer.beside.answerer in ("reader", "sentences") and answer.beside.citations[0].start == 0
    assert answer.as_json()["beside"]["text"] == answer.beside.text
    assert both.invoke(replace(QUESTION, answerer="reader")).answerer in ("reader", "sentences")
    assert len(server.requests) == 1  # the embedded answerer alone asks nobody


def test_without_a_language_model_it_can_not_be_asked(chain: QAChain) -> None:
    assert chain.answerers == ("reader",) and chain.llm_name is None
    with pytest.raises(BadInput, match="'llm' is not there; there is: reader. RAG_LLM=provider:model"):
        chain.invoke(replace(QUESTION, answerer="llm"))


def test_greetings_and_the_publisher_ask_no_model_a_summary_does(chain: QAChain, server: LLMServer) -> None:
    asked = asking(chain)
    for text in ("hello!", "Who published it?"):
        assert asked.invoke(Question(text)).answerer == "page"
    assert server.requests == []
    assert asked.invoke(Question("Summarize the article")).answerer == "openai:m"


def test_a_kept_answer_is_not_asked_for_again(chain: QAChain, server: LLMServer, tmp_path: Path) -> None:
    file = str(tmp_path / "kept.sqlite")
    first = asking(chain, llm_cache=file).invoke(QUESTION)
    again = asking(chain, llm_cache=file).invoke(QUESTION)  # another process would do the same
    assert len(server.requests) == 1 and again.text == first.text
    assert first.llm is not None and again.llm is not None
    assert (first.llm.cached, again.llm.cached) == (False, True)
    assert again.llm.usage["output_tokens"] == first.llm.usage["output_tokens"] == 11
    asking(chain, llm_cache=file).invoke(Question("Who lit the first lamp?"))
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", ["no finish", "500", "empty"])
def test_what_is_not_whole_is_not_kept(chain: QAChain, server: LLMServer, tmp_path: Path, fault: str) -> None:
    file = str(tmp_path / "kept.sqlite")
    server.fault = fault
    asking(chain, llm_cache=file).invoke(QUESTION)
    server.fault = ""
    assert asking(chain, llm_cache=file).invoke(QUESTION).answerer == "openai:m"
    assert len(server.requests) == 2


def test_a_tiny_real_model_behind_a_real_server_goes_through_the_whole_path(chain: QAChain, server: LLMServer) -> None:
    """A few thousand random weights know nothing: what they say is not in the article, and is not shown."""
    server.say = tiny_model()
    answer = asking(chain).invoke(QUESTION)
    assert len(server.requests) == 1
    assert answer.llm is not None and answer.llm.usage["output_tokens"] == 11
    assert (
        answer.text == "The harbour opened in 1892. [1]"
        and answer.llm.fault == "what openai:m said is not in the article"
    )


def tiny_model():  # type: ignore[no-untyped-def]
    """A Llama of one layer, randomly initialised, with the packaged encoder's tokenizer: prompt → 24 tokens."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from rag.embed import model_folder

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model_folder() / "tokenizer.json"))
    torch.manual_seed(7)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(shape).eval()

    def say(prompt: str) -> str:
        ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False)])
        with torch.inference_mode():
            out = model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=0, eos_token_id=None)
        return str(tokenizer.decode(out[0, ids.shape[1] :]))

    return say
