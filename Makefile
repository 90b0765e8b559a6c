# Every target installs what it needs first. `make` alone lists the targets.
PYTHON := .venv/bin/python
# Images of containers often set it; then each of the many processes compiles all it loads, which is half of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up kafka faults test check format bench eval docs sandbox-root sandbox-long lock clean setup setup-dev

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup:
	@deploy/setup.sh core

setup-dev:
	@deploy/setup.sh dev

demo: setup ## read shipped sample documents, end to end, and show the answers
	@.venv/bin/vaultra demo

up: setup ## run everything on one port until Ctrl-C
	@.venv/bin/vaultra up

kafka: setup ## Apache Kafka on this machine until Ctrl-C: BROKERS=1 (or 3), PORT=9092
	@$(PYTHON) -m deploy.kafka.cluster --brokers $(or $(BROKERS),1) --port $(or $(PORT),9092)

test: setup-dev ## run the tests
	@$(PYTHON) -m pytest -q

faults: setup-dev ## the faults of the Kafka runtime at full length
	@FAULTS=full $(PYTHON) -m pytest -q --durations=0 tests/kafka

sandbox-long: setup-dev ## the sandbox's fuzz and leak checks at full length
	@SANDBOX_FUZZ=500 SANDBOX_RUNS=5000 $(PYTHON) -m pytest -q --durations=0 tests/sandbox/test_fuzz.py \
		tests/sandbox/test_sandbox_runner.py

check: setup-dev ## the gate: format, lint, types, layers, generated documents
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports
	@$(PYTHON) -m vaultra.contracts --check

format: setup-dev ## format the code and mend what the linter can
	@$(PYTHON) -m ruff check --fix -q .
	@$(PYTHON) -m ruff format .

docs: setup-dev ## write the generated documents (JSON Schemas, AsyncAPI, OpenAPI) anew
	@$(PYTHON) -m vaultra.contracts

bench: setup-dev ## measure against the peers, as ratios in one run
	@$(PYTHON) -m bench

eval: setup-dev ## measure how often figures and answers are right
	@$(PYTHON) -m bench.evaluate

sandbox-root: setup ## build the sandbox's root tree, twice, as a tar file for docker import
	@$(PYTHON) -m sandbox.root_image --tar .cache/sandbox-root.tar --check

lock: ## resolve the locked requirements anew (needs uv)
	@deploy/lock.sh

clean: ## remove the environment, caches and this folder's data
	rm -rf .venv .cache .vaultra .pytest_cache .mypy_cache .ruff_cache .hypothesis
