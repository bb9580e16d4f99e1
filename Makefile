# The table of contents: `make help` lists what can be done here.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DAYBOOK := $(BIN)/daybook
LOCAL := $(BIN)/python -m deploy.local

.PHONY: help
help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: env
env: $(VENV)/ready ## make the Python environment

.PHONY: up
up: env ## fetch the engines and start them
	$(LOCAL) fetch
	$(LOCAL) up

.PHONY: demo
demo: env ## set everything up and get three audited answers from Trino
	$(BIN)/python -m pipelines.demo

.PHONY: down
down: ## stop everything that `up` or `demo` started
	$(LOCAL) down

.PHONY: lint
lint: env ## formatting, rules, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: unit
unit: env ## the tests that need no engine
	$(BIN)/python -m pytest -m "not stack"

.PHONY: test
test: lint ## every test, on the real engines too
	$(LOCAL) fetch
	$(BIN)/python -m pytest

.PHONY: bench
bench: env ## core-seconds per million events beside Kafka Connect, latency, recovery
	$(LOCAL) fetch --with connect
	$(BIN)/python -m tests.benchmarks

.PHONY: golden
golden: env ## rewrite the expected SQL under tests/golden
	$(BIN)/python -m pytest -q tests/test_golden.py --rewrite-golden

.PHONY: lock
lock: env ## compile deploy/local/versions.toml into requirements/*.txt
	$(BIN)/python -m deploy.local.lock
