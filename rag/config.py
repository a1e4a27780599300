"""The one configuration object. It is read from the environment here and nowhere else, then passed in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadInput


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set. `Config.from_env()` reads `RAG_<NAME>` for each field, e.g. RAG_CORPUS=…"""

    corpus: Path = Path("corpus")
    """Folder of articles: Markdown with front matter, one file each."""
    index: Path = Path(".index")
    """Folder of the index: a pointer file, and one folder per generation."""
    chroma_url: str = ""
    """http://host:port of a Chroma server; empty keeps the vectors in the index folder."""
    default_article: str = ""
    """Slug that questions are about unless they say otherwise; empty takes the corpus' first main article."""
    passage_tokens: int = 192
    """Longest passage, in the encoder's word pieces (its window is 256, two of them special)."""
    overlap_tokens: int = 0
    """How much of a passage's end, in word pieces of whole sentences, starts the next one again. None: passages end
    with a paragraph where they can, and two that say the same take a place among the first from a third."""
    top_k: int = 8
    """How many passages are retrieved for a question."""
    answerer: str = "reader"
    """`reader`: the trained reader's spans; `sentences`: whole sentences by words and vectors, without it."""
    llm: str = ""
    """`provider:model` of a language model that answers instead, such as ollama:llama3.2; empty asks none."""
    llm_unsupported: str = "mark"
    """Its sentences that the article does not support: `mark` shows them with [?], `drop` leaves them out."""
    llm_deadline_s: float = 30.0
    """Seconds it has for a question, after which the embedded answer is shown."""
    llm_context: int = 8192
    """Tokens it takes at once, prompt and answer; a longer article is cut to what is nearest to the question."""
    llm_cache: str = ""
    """SQLite file that keeps what it said, for repeatable evaluations; empty keeps nothing."""
    max_file_mb: float = 10.0
    """Larger files are refused: an article is text."""
    max_question_chars: int = 2000
    """Longer questions are refused."""

    @classmethod
    def from_env(cls, environ: dict[str, str] | None = None) -> Config:
        """Read the fields that `RAG_<NAME>` sets; raise BadInput naming the variable when a value does not fit."""
        env = os.environ if environ is None else environ
        values: dict[str, object] = {}
        for name, default in ((f, getattr(cls(), f)) for f in cls.__dataclass_fields__):
            raw = env.get(f"RAG_{name.upper()}")
            if raw is None:
                continue
            kind = type(default) if not isinstance(default, Path) else Path
            try:
                values[name] = kind(raw)
            except ValueError:
                raise BadInput(
                    f"RAG_{name.upper()}={raw!r} is not a {kind.__name__}; the default is {default}."
                ) from None
        config = cls(**values)  # type: ignore[arg-type]
        for name, fits, wanted in config._bounds():
            if not fits:
                raise BadInput(f"RAG_{name.upper()}={env.get(f'RAG_{name.upper()}')!r} does not fit: {wanted}.")
        return config

    def _bounds(self) -> list[tuple[str, bool, str]]:
        """(field, whether its value can be used, what can)"""
        return [
            ("passage_tokens", 8 <= self.passage_tokens <= 254, "8 to 254, which is what the encoder's window holds"),
            ("overlap_tokens", 0 <= self.overlap_tokens < self.passage_tokens, "0 to less than RAG_PASSAGE_TOKENS"),
            ("top_k", 1 <= self.top_k <= 100, "1 to 100"),
            ("max_file_mb", 0 < self.max_file_mb <= 1000, "above 0, to 1000"),
            ("max_question_chars", 1 <= self.max_question_chars <= 100_000, "1 to 100000"),
        ]
