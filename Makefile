# Everything a fresh machine needs: `make chat` opens the chat, `make test` passes the tests.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup chat test check index eval gate baseline clean
setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@echo "Setting up .venv: about two minutes and 2 GB the first time"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

chat: setup
	@$(BIN)/python -m ui --port $(PORT) || [ $$? -eq 130 ] # Ctrl-C is how one leaves it

index: setup
	@$(BIN)/python -m rag index

test: setup
	@$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

eval: setup
	@$(BIN)/python -m eval run eval/questions/brain-drain.jsonl

# Fail when the answers got worse than eval/baselines/ says; `make baseline` raises that floor,
# `make baseline ANSWERER=reader` makes the first one of an answerer, ALLOW=--allow-regression lowers one.
gate: setup
	@.ci/gate

baseline: setup
	@.ci/gate rebase $(ANSWERER) $(ALLOW)

clean:
	rm -rf .venv .index
