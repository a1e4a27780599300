"""Any LangChain chat model as the answerer, its words checked like our own: `RAG_LLM=provider:model`.

    excerpts → prompt → speech → markers → support → prose        (all in rag/llm/)

The embedded answerer has spoken before the model has: whatever goes wrong, its answer is shown, with a notice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.config import Config
from rag.errors import BadInput, ModelMissing
from rag.lexical import words
from rag.llm.cache import Cache
from rag.llm.excerpts import Excerpt, excerpts, runs
from rag.llm.faults import Breaker, Fault, Waiting
from rag.llm.markers import Said, SentenceReader, plain
from rag.llm.prompt import condensing, messages, overhead, says_not_there
from rag.llm.prose import Prose
from rag.llm.provider import check_llm, open_model, window
from rag.llm.speech import Deadline, Speech
from rag.llm.support import Supports
from rag.question import clean_question
from rag.rewrite import standalone
from rag.types import REFUSAL, Answer, Article, Generated, Passage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

_log = logging.getLogger(__name__)


def _second_opinion(question: str, passage: str) -> str | None:
    """What the trained reader reads in the passage as the answer; None for nothing, or without its weights."""
    from rag.reader.model import Reader

    try:
        [reading] = Reader.load().read([(question, passage)])
    except ModelMissing:
        return None
    return passage[reading.start : reading.end] if reading.margin > 0 else None


class _Replay:
    """A kept answer, in the shape of a Speech."""

    def __init__(self, text: str, cut: bool, usage: dict[str, int]) -> None:
        self._text, self.cut, self.usage = text, cut, usage

    def __iter__(self) -> Iterator[str]:
        yield self._text


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that the model is working on: what it was given, and its words to come, or why there are none."""

    question: str
    given: Sequence[Excerpt]
    whole: bool
    prompt: Sequence[BaseMessage]
    speech: Speech | _Replay | Fault
    since: float


class Generator:
    """One for all askers. Raises nothing that a provider does: every fault ends in the embedded answer."""

    def __init__(self, config: Config, model: BaseChatModel | Fault, kept: Cache | None = None) -> None:
        self.name = config.llm
        self._config, self._model = config, model
        self._cache = kept or Cache(config.llm_cache)
        self._breaker = Breaker()

    @classmethod
    def load(cls, config: Config) -> Generator:
        """Raises BadInput for a configuration that can not work; a missing key is a fault, met when it is asked."""
        check_llm(config)
        try:
            return cls(config, open_model(config))
        except Fault as fault:
            return cls(config, fault)

    def standalone(self, question: str, history: Sequence[str], deadline: Deadline) -> str:
        """The follow-up as a question of its own, by the model when it manages in a third of the time, in words of the
        conversation only; else by rule."""
        by_rule = standalone(question, history)
        if not history:
            return by_rule
        prompt = condensing(question, history)
        try:
            speech = self._begin(prompt, deadline.part(1 / 3), streamed=False)
            said = "".join(speech)
        except Fault as fault:
            self._note(fault)
            return by_rule
        self._keep(prompt, said, speech)
        return self._condensed(said, question, history) or by_rule

    def _condensed(self, said: str, question: str, history: Sequence[str]) -> str | None:
        """What the model made of the question, if it is one line in words that were asked."""
        try:
            line = clean_question(plain(said.strip().strip('"'))[0], self._config.max_question_chars)
        except BadInput:
            return None
        theirs = set(words(" ".join([question, *history])))
        made_up = [w for w in words(line) if w not in theirs]
        return line if len(made_up) <= 1 and not any(w[0].isdigit() for w in made_up) else None

    def ask(
        self,
        question: str,
        scope: Sequence[Passage],
        nearest: Callable[[], Sequence[Passage]],
        articles: Mapping[str, Article],
        deadline: Deadline,
    ) -> Asked:
        """Put the question; the model begins to work while the embedded answerer reads. `nearest` is only called when
        the passages of the scope do not all fit."""
        model_window = self._config.llm_context if isinstance(self._model, Fault) else window(self._model, self._config)
        budget = model_window - overhead(question)
        given, whole = excerpts(question, scope, nearest, articles, budget)
        prompt = messages(question, given, articles)
        since = time.perf_counter()
        try:
            speech: Speech | _Replay | Fault = self._begin(prompt, deadline)
        except Fault as fault:
            speech = fault
        return Asked(question, given, whole, prompt, speech, since)

    def _begin(self, prompt: Sequence[BaseMessage], deadline: Deadline, streamed: bool = True) -> Speech | _Replay:
        if kept := self._cache.get(self.name, prompt):
            return _Replay(*kept)
        self._breaker.enter()
        if isinstance(self._model, Fault):
            raise self._model
        return Speech(self._model, prompt, deadline, streamed)

    def answers(
        self, asked: Asked, answer: Answer, embedded: Answer, articles: Mapping[str, Article]
    ) -> Iterator[Answer]:
        """Growing snapshots in the model's words, a sentence more in each; the last one is its answer, its refusal,
        or `embedded` with a notice why. `answer` holds what is known beforehand."""
        reader = SentenceReader([e.key for e in asked.given])
        supports = Supports(asked.question, asked.given, articles, _second_opinion)
        prose = Prose(articles, mark=self._config.llm_unsupported == "mark")
        answer = replace(answer, answerer=self.name, notice=self._read(asked))
        said: list[str] = []
        unable = False
        try:
            for sentences in self._sentences(asked, reader, said):
                for sentence in sentences:
                    if says_not_there(sentence.text):
                        unable = True
                    elif prose.add(supports.judge(sentence.text, sentence.keys)):
                        yield self._snapshot(answer, asked, reader, prose)
        except Fault as fault:
            self._note(fault)
            yield self._instead(embedded, asked, reader, prose, f"{self.name} {fault.why}")
            return
        if prose.supported:
            yield self._snapshot(answer, asked, reader, prose)
        elif unable:
            nearest = embedded.nearest or (embedded.citations[0] if embedded.citations else None)
            generated = self._generated(asked, reader, prose)
            yield replace(answer, text=REFUSAL, refused=True, nearest=nearest, llm=generated)
        else:
            yield self._instead(embedded, asked, reader, prose, f"what {self.name} said is not in the article")

    def _sentences(self, asked: Asked, reader: SentenceReader, said: list[str]) -> Iterator[list[Said]]:
        """The finished sentences, as they are finished; a whole speech goes into the cache."""
        if isinstance(asked.speech, Fault):
            raise asked.speech
        for piece in asked.speech:
            said.append(piece)
            yield reader.feed(piece)
        self._keep(asked.prompt, "".join(said), asked.speech)
        yield reader.end(asked.speech.cut)

    def _keep(self, prompt: Sequence[BaseMessage], said: str, speech: Speech | _Replay) -> None:
        if isinstance(speech, Speech):
            self._breaker.succeeded()
            self._cache.put(self.name, prompt, (said, speech.cut, speech.usage))

    def _note(self, fault: Fault) -> None:
        if isinstance(fault, Waiting):
            return
        self._breaker.failed(fault)
        _log.warning("%s %s; the embedded answerer answers", self.name, fault.why)

    def _read(self, asked: Asked) -> str | None:
        if asked.whole:
            return None
        return f"The article is too long for the model: it read the {len(asked.given)} nearest passages."

    def _snapshot(self, answer: Answer, asked: Asked, reader: SentenceReader, prose: Prose) -> Answer:
        """What is shown so far. Confidence: that the article answers at all, times the share of supported sentences."""
        return replace(
            answer,
            text=prose.text,
            citations=prose.citations,
            confidence=answer.confidence * prose.share,
            llm=self._generated(asked, reader, prose),
        )

    def _instead(self, embedded: Answer, asked: Asked, reader: SentenceReader, prose: Prose, why: str) -> Answer:
        notice = f"Answered without the language model: {why}."
        if embedded.notice:
            notice = f"{notice} {embedded.notice}"
        known = replace(self._generated(asked, reader, prose), unsupported=(), fault=why)
        return replace(embedded, notice=notice, llm=known)

    def _generated(self, asked: Asked, reader: SentenceReader, prose: Prose) -> Generated:
        speech = asked.speech
        usage: dict[str, float] = {} if isinstance(speech, Fault) else dict(speech.usage)
        return Generated(
            model=self.name,
            unsupported=prose.unsupported,
            removed=len(prose.removed),
            dropped=tuple(reader.dropped),
            whole=asked.whole,
            given=runs(asked.given),
            usage={**usage, "seconds": round(time.perf_counter() - asked.since, 3)},
            cached=isinstance(speech, _Replay),
        )
