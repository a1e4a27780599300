"""Every error a user can meet. A message says what happened, the likely cause and the next command.

`python -m rag` and `python -m ui` print the message alone and exit with `exit_code`; the chat shows it as text.
"""

from __future__ import annotations


class RagError(Exception):
    """The root: catch this one at an edge (command line, server, chat). Never shown with a traceback."""

    exit_code = 1


class BadInput(RagError):
    """What the user gave can not be used: a file, a question, an option. Nothing was changed."""

    exit_code = 2


class UnknownArticle(BadInput):
    """A question names an article that the index does not hold."""


class IndexMissing(RagError):
    """There is no index yet, or it is gone."""


class IndexMismatch(RagError):
    """The index was made by another model, chunker or version: its vectors would give wrong answers."""


class StoreUnavailable(RagError):
    """The folder or the Chroma server can not be read or written."""


class ModelMissing(RagError):
    """The packaged encoder, or the reader's weights, are not there or do not load."""
