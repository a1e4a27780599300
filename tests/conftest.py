"""The six-sentence article that the stories in the tests are about, and the real chain over the real corpus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

from rag.build import build_index, refresh  # noqa: E402
from rag.chain import QAChain, load_chain  # noqa: E402
from rag.config import Config  # noqa: E402
from rag.types import Article  # noqa: E402

HARBOUR = Article(
    "harbour",
    "The harbour of Lund",
    "The harbour opened in 1892. It was built by 340 workers. Captain Ida Holm lit the first lamp.\n\n"
    "Ships carry timber and salt. The pier fell in the storm of 1931. Nobody was hurt.",
    metadata={"publisher": "Lund Post"},
)
MUSEUM = Article("museum", "A museum of bread", "The museum shows 78 kinds of bread. Entry costs four euros.")


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(index=tmp_path_factory.mktemp("small") / "index")


@pytest.fixture(scope="session")
def chain(config: Config) -> QAChain:
    build_index([HARBOUR, MUSEUM], config)
    return load_chain(config)


@pytest.fixture(scope="session")
def corpus_chain(tmp_path_factory: pytest.TempPathFactory) -> QAChain:
    corpus = Path(__file__).parents[1] / "corpus"
    config = Config(corpus=corpus, index=tmp_path_factory.mktemp("corpus") / "index")
    refresh(config)
    return load_chain(config)
