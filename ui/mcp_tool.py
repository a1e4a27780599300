"""The MCP tool `ask_article`, over streamable HTTP at /mcp: assistants ask an article and get its own sentences."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.types import Question
from ui.asking import Desk, public, status_of

if TYPE_CHECKING:
    from fastapi import FastAPI

INSTRUCTIONS = (
    "Answers questions about the articles of this server with their own sentences. Every citation quotes the article "
    "verbatim; `refused: true` means that the article does not say, and `nearest` is then the closest sentence."
)


def add_mcp(app: FastAPI, desk: Desk) -> AbstractAsyncContextManager[None]:
    """Add the route /mcp; the context that is returned has to be open while the server runs."""
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.transport_security import TransportSecuritySettings

    server = MCPServer("article-chatbot", instructions=INSTRUCTIONS, log_level="WARNING")

    @server.tool(title="Ask an article")
    async def ask_article(
        question: str, article: str | None = None, history: list[str] | None = None
    ) -> dict[str, Any]:
        """Ask a question about an article; `article` is a slug, or "all", or nothing for the default article.
        `history` holds the conversation's earlier questions, so that "and in 2024?" is understood."""
        try:
            return public(await desk.answer(Question(question, tuple(history or ()), article)))
        except RagError as fault:
            raise ToolError(status_of(fault)[1]) from None

    @server.tool(title="List the articles")
    async def list_articles() -> dict[str, str]:
        """The articles that can be asked about: slug → title."""
        return {a.id: a.title for a in desk.backend.articles.values()}

    own = server.streamable_http_app(
        streamable_http_path="/mcp",
        json_response=True,
        stateless_http=True,
        # ui/security.py checks Host and Origin, by its own lists
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app.router.routes.extend(own.routes)
    return server.session_manager.run()
