"""The chain behind the chat, loaded in a thread so that the first screen is there at once.

Articles are read straight from the corpus, which takes milliseconds; the encoder takes seconds. The trap: a load that
failed must not fail for good, since the cause (a missing index, a server that is down) can be mended meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Config
from rag.errors import RagError, StoreUnavailable
from rag.types import Article, Question

if TYPE_CHECKING:
    from rag.build import Progress
    from rag.chain import QAChain

_log = logging.getLogger(__name__)


class Backend:
    """`start` begins to load, `chain` waits for it. Raises BadInput when made over a corpus without articles."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.status = "Loading the model …"
        self._articles = {a.id: a for a in self._every_article()}
        self._chain: QAChain | None = None
        self._fault: RagError | None = None
        self._lock = threading.Lock()
        self._adding = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def articles(self) -> Mapping[str, Article]:
        """slug → article; the index's, as soon as it is loaded: its texts are what citations point into."""
        return self._chain.articles if self._chain else self._articles

    @property
    def default_article(self) -> str:
        if self._chain:
            return self._chain.default_article
        named = self.config.default_article
        return named if named in self._articles else next(iter(self._articles))

    def start(self) -> None:
        """Load in the background, unless it is loaded or loading; after a failure, try again."""
        with self._lock:
            if self._chain or (self._thread and self._thread.is_alive()):
                return
            self._fault = None
            self._thread = threading.Thread(target=self._load, name="load-chain", daemon=True)
            self._thread.start()

    def chain(self, timeout: float) -> QAChain | None:
        """The chain, or None when it is not there after `timeout` seconds; raises the RagError that loading met."""
        thread = self._thread
        if not self._chain and thread:
            thread.join(timeout)
        if self._fault:
            raise self._fault
        return self._chain

    def add_article(self, title: str, text: str, source: str, progress: Progress | None = None) -> str:
        """Take an article in beside the corpus, index it, and return its slug. Raises BadInput and StoreUnavailable."""
        from rag.build import build_index
        from rag.clean import normalise
        from rag.frontmatter import slug, to_markdown, unique
        from rag.store import store_faults

        text = normalise(text)
        while self.chain(1.0) is None:
            self.start()
        with self._adding:
            name = unique(slug(title), list(self.articles))
            facts = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "role": "posted", "position": "1"}
            article = Article(name, title, text, source, facts)
            with store_faults("The article can not be kept", self._posted):
                self._posted.mkdir(parents=True, exist_ok=True)
                (self._posted / f"{name}.md").write_text(to_markdown(article), encoding="utf-8")
            build_index(self._every_article(), self.config, progress)
            assert self._chain
            self._chain.invoke(Question("Summarize the article", (), name))  # opens the new index
        return name

    @property
    def _posted(self) -> Path:
        return self.config.index / "posted"

    def _every_article(self) -> list[Article]:
        """Those of the corpus, and those that readers brought."""
        from rag.build import corpus_articles
        from rag.load import load_articles

        files = sorted(self._posted.glob("*.md"))
        corpus = corpus_articles(self.config)
        mine = [a for f in files for a in load_articles(f, self.config.max_file_mb)]
        return corpus + [a for a in mine if a.id not in {c.id for c in corpus}]

    def _load(self) -> None:
        try:
            self._chain = self._loaded()
        except RagError as fault:
            self._fault = fault
        except Exception as fault:  # the edge of a thread: told in the chat and in the log, or lost
            _log.exception("The chain does not load")
            self._fault = RagError(f"The model does not load ({fault}). The terminal tells more; ask again to retry.")

    def _loaded(self) -> QAChain:
        from rag.build import build_index
        from rag.chain import load_chain

        try:
            build_index(self._every_article(), self.config, self._progress)
        except StoreUnavailable as fault:  # a read-only index folder still answers
            _log.warning("%s", fault)
        self.status = "Loading the model …"
        chain = load_chain(self.config)
        chain.invoke(Question("Where did it begin?"))  # the encoder loads at its first question: not a visitor's
        return chain

    def _progress(self, what: str, done: int, total: int) -> None:
        self.status = f"{what}: {done} of {total} …" if total else what
