"""`RAG_LLM=provider:model` → a LangChain chat model. Keys and addresses are the provider package's own affair: it
reads them from its own environment variables (OPENAI_API_KEY, OPENAI_BASE_URL, OLLAMA_HOST, …)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rag.config import Config
from rag.errors import BadInput
from rag.llm.faults import Fault, fault_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

EXTRAS = {
    "openai": ("langchain_openai", "openai"),
    "ollama": ("langchain_ollama", "ollama"),
    "anthropic": ("langchain_anthropic", "anthropic"),
    "google_genai": ("langchain_google_genai", "google"),
    "mistralai": ("langchain_mistralai", "mistral"),
}
"""provider → (its package, the extra of this project that installs it)"""


def check_llm(config: Config) -> None:
    """Raise BadInput for settings of the model that can not work, before anything is loaded."""
    if config.llm_unsupported not in ("mark", "drop"):
        raise BadInput(f"RAG_LLM_UNSUPPORTED={config.llm_unsupported!r} is not known: write mark or drop.")
    if not 0 < config.llm_deadline_s <= 3600:
        raise BadInput(f"RAG_LLM_DEADLINE_S={config.llm_deadline_s} is not a time in seconds, above 0, at most 3600.")
    if config.llm_context < 1024:
        raise BadInput(f"RAG_LLM_CONTEXT={config.llm_context} tokens hold no prompt: at least 1024 are needed.")
    provider, _, name = config.llm.partition(":")
    if not provider or not name:
        raise BadInput(f"RAG_LLM={config.llm!r} is not provider:model, such as ollama:llama3.2 or openai:gpt-4.1-mini.")
    package, extra = EXTRAS.get(provider_of(config), ("", ""))
    if package and find_spec(package) is None:
        raise BadInput(
            f"RAG_LLM={config.llm} needs the package {package.replace('_', '-')}. "
            f"Run `.venv/bin/pip install -c constraints.txt -e '.[{extra}]'`."
        )


def provider_of(config: Config) -> str:
    return config.llm.partition(":")[0].replace("-", "_").lower()


def open_model(config: Config) -> BaseChatModel:
    """The chat model of `config.llm`; BadInput for a provider that LangChain does not know, Fault for one that does
    not start (no key)."""
    from langchain.chat_models import init_chat_model

    check_llm(config)
    name = config.llm.partition(":")[2]
    try:
        model: BaseChatModel = init_chat_model(name, model_provider=provider_of(config), **_options(config))
        return model
    except ImportError:
        raise BadInput(f"RAG_LLM={config.llm}: its LangChain package is not installed, or does not load.") from None
    except ValueError as error:
        if "Unsupported provider" in str(error):
            known = ", ".join(EXTRAS)
            raise BadInput(f"RAG_LLM={config.llm}: there is no such provider. Try one of {known}.") from None
        raise fault_of(error) from None
    except Exception as error:  # whatever the package raises, its message may hold the key
        raise fault_of(error) from None


def _options(config: Config) -> dict[str, Any]:
    """No retries: while a provider sleeps, the person waits; the embedded answerer is there at once."""
    provider = provider_of(config)
    if provider == "ollama":  # its default window drops what is longer, without a word
        timeout = {"timeout": config.llm_deadline_s}
        return {"temperature": 0, "num_ctx": config.llm_context, "client_kwargs": timeout}
    options: dict[str, Any] = {"max_retries": 0, "timeout": config.llm_deadline_s}
    if provider != "anthropic":  # its newest models refuse the parameter
        options["temperature"] = 0
    if provider == "openai":
        options["stream_usage"] = True
    return options


def window(model: BaseChatModel, config: Config) -> int:
    """How many tokens a prompt and its answer may have: what is configured, or less when the model takes less."""
    profile = getattr(model, "profile", None) or {}
    return min(config.llm_context, int(profile.get("max_input_tokens") or config.llm_context))


_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}
_ADDRESSES = {"openai": "OPENAI_BASE_URL", "ollama": "OLLAMA_HOST"}


def remedy(config: Config, fault: Fault) -> str:
    """What to do about a fault of the configured model."""
    provider = provider_of(config)
    key = _KEYS.get(provider, "the provider's key")
    if "key" in fault.why:
        return f"Set {key}; a local server that wants none still needs some word there, such as none."
    if "reached" in fault.why and provider == "ollama":
        return "Start it with `ollama serve`, or set OLLAMA_HOST to where it runs."
    if "reached" in fault.why:
        return f"Is the server running, and is {_ADDRESSES.get(provider, 'its address')} right?"
    if "404" in fault.why:
        name = config.llm.partition(":")[2]
        return f"Run `ollama pull {name}`." if provider == "ollama" else f"Is {name!r} the name the server uses?"
    if "429" in fault.why:
        return "Wait, or raise the limit with the provider."
    if "long" in fault.why or "middle" in fault.why:
        return "Raise RAG_LLM_DEADLINE_S, or take a smaller model."
    return "Try again; if it stays, see the server's log."
