# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# MODEL=smollm2 gets a model where it is not here yet, and opens it. It counts on the command line alone: many have a
# variable of this name in their environment.
MODEL :=
# TORCH=cpu installs the build of torch without CUDA, which is a tenth of the size.
TORCH ?=
INDEX := $(if $(filter cpu,$(TORCH)),--extra-index-url https://download.pytorch.org/whl/cpu)
PIN := $(if $(filter cpu,$(TORCH)),"torch==$(shell sed -n 's/^torch==//p' constraints.txt)+cpu")

.PHONY: run test test-all check docs models bench clean

run: $(VENV)/run
ifdef MODEL
	@$(BIN)/token-explorer get '$(MODEL)' --json > /dev/null
	@TOKEN_EXPLORER_MODEL='$(MODEL)' $(BIN)/token-explorer $(ARGS)
else
	@$(BIN)/token-explorer $(ARGS)
endif

test: $(VENV)/dev
	$(BIN)/pytest -n 2

# Also the walks on every architecture of transformers, and hundreds of rounds more of what is tested at random.
test-all: $(VENV)/dev
	$(BIN)/pytest -n 2 -m 'matrix or not matrix'

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m explorer.ui.commands | diff - docs/keys.md
	$(BIN)/python -m explorer.core.record.schema | diff - docs/session-schema.json

docs: $(VENV)/dev
	$(BIN)/python -m explorer.ui.commands > docs/keys.md
	$(BIN)/python -m explorer.core.record.schema > docs/session-schema.json

models: $(VENV)/dev
	$(BIN)/python -m tests.engine.matrix > docs/models.md.new
	mv docs/models.md.new docs/models.md

bench: $(VENV)/dev
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/engine.py --shape 0.5b
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/score.py
	$(BIN)/python benchmarks/tokens.py
	$(BIN)/python benchmarks/loading.py
	$(BIN)/python benchmarks/loading.py --shape 0.5b
	$(BIN)/python benchmarks/loading.py --towers
	$(BIN)/python benchmarks/asking.py
	$(BIN)/python benchmarks/ask.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/auto.py --shape 0.5b --tokens 40 --rounds 5
	$(BIN)/python benchmarks/record.py
	$(BIN)/python benchmarks/ui.py
	$(BIN)/python benchmarks/tree.py

$(VENV)/run: pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing; the first time takes minutes."
	$(BIN)/pip install --quiet $(INDEX) --constraint constraints.txt $(PIN) --editable .
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(INDEX) --constraint constraints.txt $(PIN) --editable '.[dev]'
	@touch $@ $(VENV)/run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
