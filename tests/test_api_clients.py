"""Clients that others made, against our routes: the OpenAI package, an MCP client, Gradio's client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import openai
import pytest
from gradio_client import Client as GradioClient
from mcp import Client as McpClient

from tests.web import running, small_corpus

LAMP = "Captain Ida Holm lit the first lamp."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(small_corpus(tmp_path_factory.mktemp("clients"))) as (url, _):
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)


def messages(*questions: str) -> list[dict[str, str]]:
    talk = [m for q in questions[:-1] for m in ({"role": "user", "content": q}, {"role": "assistant", "content": "…"})]
    return [{"role": "system", "content": "Be kind."}, *talk, {"role": "user", "content": questions[-1]}]


def test_the_openai_client_gets_an_answer_with_citations(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="article-chatbot", messages=messages("Who lit the first lamp?"))  # type: ignore[arg-type]
    message = done.choices[0].message
    assert message.content == f"{LAMP} [1]" and done.choices[0].finish_reason == "stop"
    assert message.model_extra is not None
    assert [c["quote"] for c in message.model_extra["citations"]] == [LAMP]
    assert message.model_extra["refused"] is False


def test_the_openai_client_streams_the_same_text(client: openai.OpenAI) -> None:
    asked = messages("Summarize the article")
    whole = client.chat.completions.create(model="harbour", messages=asked)  # type: ignore[arg-type]
    chunks = list(client.chat.completions.create(model="harbour", messages=asked, stream=True))  # type: ignore[arg-type]
    texts = [c.choices[0].delta.content or "" for c in chunks]
    assert "".join(texts) == whole.choices[0].message.content
    assert len([t for t in texts if t]) > 1
    last = chunks[-1].choices[0]
    assert last.finish_reason == "stop"
    assert last.delta.model_extra is not None and len(last.delta.model_extra["citations"]) > 1


def test_the_model_names_the_article_and_earlier_questions_count(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == ["article-chatbot", "harbour", "museum", "all"]
    done = client.chat.completions.create(model="museum", messages=messages("How much does entry to the museum cost?"))  # type: ignore[arg-type]
    assert done.choices[0].message.content == "Entry costs four euros. [1]"
    parts = [{"role": "user", "content": [{"type": "text", "text": "Summarize the article"}]}]
    done = client.chat.completions.create(model="museum", messages=parts)  # type: ignore[arg-type]
    assert "78 kinds of bread" in (done.choices[0].message.content or "")


def test_the_openai_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no such article"):
        client.chat.completions.create(model="gpt-4", messages=messages("Who?"))  # type: ignore[arg-type]
    with pytest.raises(openai.UnprocessableEntityError, match="The question is empty"):
        client.chat.completions.create(model="harbour", messages=messages(" "), stream=True)  # type: ignore[arg-type]
    with pytest.raises(openai.UnprocessableEntityError, match="last message"):
        client.chat.completions.create(model="harbour", messages=messages("Who?")[:1])  # type: ignore[arg-type]


def test_an_mcp_client_finds_the_tool_and_asks(url: str) -> None:
    async def talk() -> tuple[set[str], object, bool, str]:
        async with McpClient(f"{url}/mcp") as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            answer = await client.call_tool("ask_article", {"question": "Who lit the first lamp?", "article": "harbour"})
            fault = await client.call_tool("ask_article", {"question": "Who?", "article": "nobody"})
            return tools, answer.structured_content, bool(fault.is_error), fault.content[0].text  # type: ignore[union-attr]

    tools, answer, failed, message = asyncio.run(talk())
    assert tools == {"ask_article", "list_articles"}
    assert isinstance(answer, dict) and answer["citations"][0]["quote"] == LAMP
    assert failed and "no such article" in message and "/" not in message.replace("/api/articles", "")


def test_gradios_own_client_asks_by_a_stable_name(url: str) -> None:
    client = GradioClient(url, verbose=False, analytics_enabled=False)
    answer = client.predict("Who lit the first lamp?", "harbour", api_name="/ask_article")
    answer = answer if isinstance(answer, dict) else json.loads(answer)
    assert answer["citations"][0]["quote"] == LAMP
