"""The chain behind the chat and the API, loaded in a thread so that the first screen is there at once.

Articles are read straight from the corpus, which takes milliseconds; the encoder takes seconds. The trap: a load that
failed must not fail for good, since the cause (a missing index, a server that is down) can be mended meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rag.config import Config
from rag.errors import RagError, StoreUnavailable
from rag.types import Article, Question
from ui.settings import Settings

if TYPE_CHECKING:
    from rag.chain import QAChain

Progress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)


class Backend:
    """`start` begins to load, `chain` waits for it. Raises BadInput when made over a corpus without articles."""

    def __init__(self, config: Config, settings: Settings | None = None) -> None:
        from rag.build import corpus_articles

        self.config = config
        self.settings = settings or Settings()
        self.status = "Loading the model …"
        self._articles = {a.id: a for a in corpus_articles(config)}
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

    def add_article(
        self, title: str, text: str, source: str = "", progress: Progress | None = None, form: str = "text"
    ) -> str:
        """Index an article beside the corpus and return its slug, by which it can be asked about at once.

        `source` is its address: the same one with another text replaces what was there; without one, the text itself
        is what it is known by. `form` says what the text is (`posted.FORMATS`). Posts wait for each other; questions
        under way are answered from the generation they began with. Raises BadInput for an article that can not be
        taken, StoreUnavailable when the index can not be written; then nothing has changed.
        """
        from rag.build import posted_folder, refresh
        from rag.errors import BadInput
        from ui.posted import Shelf, posted_article

        size = len(text.encode("utf-8", "surrogatepass"))
        if size > 1000 * self.settings.max_article_kb:
            raise BadInput(
                f"The article has {size // 1000} kB; the limit is {self.settings.max_article_kb} kB "
                "(RAG_MAX_ARTICLE_KB). Send the article alone."
            )
        article = posted_article(title, text, source, form)
        with self._adding:
            kept, undo = Shelf(posted_folder(self.config), self.settings.max_posted).put(article)
            if undo is None and kept.id in self.articles:
                return kept.id
            try:
                refresh(self.config, progress)
            except BaseException:
                if undo:
                    undo()
                raise
            if self._chain:
                self._chain.follow_index()
        return kept.id

    def _load(self) -> None:
        try:
            self._chain = self._loaded()
        except RagError as fault:
            self._fault = fault
        except Exception as fault:  # the edge of a thread: told in the chat and in the log, or lost
            _log.exception("The chain does not load")
            self._fault = RagError(f"The model does not load ({fault}). The terminal tells more; ask again to retry.")

    def _loaded(self) -> QAChain:
        from rag.build import refresh
        from rag.chain import load_chain
        from ui.batch import SharedEmbedder, shared_reader

        try:
            refresh(self.config, self._progress)
        except StoreUnavailable as fault:  # a read-only index folder still answers
            _log.warning("%s", fault)
        self.status = "Loading the model …"
        chain = load_chain(self.config, SharedEmbedder, shared_reader)
        chain.invoke(Question("Where did it begin?", answerer="reader"))  # the encoder loads at its first question: not a visitor's
        return chain

    def _progress(self, what: str, done: int, total: int) -> None:
        self.status = f"{what}: {done} of {total} …" if total else what
