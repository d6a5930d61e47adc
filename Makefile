.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
export OMP_WAIT_POLICY ?= passive
export DAGSTER_HOME ?= $(CURDIR)/dagster_home

.PHONY: help setup clients demo up down test test-all check fmt lint types arch bench bench-data bench-exchange bench-control web web-check lock clean

help: ## show every command
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BIN)/.installed ## make the environment in .venv from requirements.lock

$(BIN)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make setup needs $(PYTHON); set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; then \
	   echo "installing with uv"; \
	   $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock && \
	   $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .; \
	 else \
	   echo "uv is not to be had; installing with pip (some minutes)"; \
	   $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock && \
	   $(BIN)/python -m pip install --quiet --no-deps -e .; \
	 fi
	@touch $@

clients: .venv-clients/.installed ## make the environments of the foreign clients that judge the exchange

CLIENT_LOCKS := $(wildcard trading_assets_tests/contracts/clients/*.txt)
.venv-clients/.installed: $(CLIENT_LOCKS) | setup
	@for lock in $(CLIENT_LOCKS); do \
	   venv=.venv-clients/$$(basename $$lock .txt); \
	   test -x $$venv/bin/python || $(PYTHON) -m venv --without-pip $$venv || exit 1; \
	   if test -x $(BIN)/uv; then \
	     $(BIN)/uv pip sync --quiet --python $$venv/bin/python --require-hashes $$lock || exit 1; \
	   else \
	     $(BIN)/python -m pip --python $$venv/bin/python install --quiet --no-deps --require-hashes -r $$lock || exit 1; \
	   fi; \
	 done
	@touch $@

demo: setup ## the whole desk, offline: bars -> features -> model -> backtests -> decision -> live paper run
	@$(BIN)/trading-assets demo

up: setup ## serve the desk's pages, the Dagster UI, MLflow and the embedded exchange on loopback
	@$(BIN)/trading-assets up

down: ## stop what `make up` started
	@$(BIN)/trading-assets down

test: setup ## unit, property, contract and parity tests (minutes)
	@$(BIN)/pytest -q -m "not slow" -n 3 --dist loadfile

test-all: setup ## every test, slow ones included
	@$(BIN)/pytest -q -n 2 --dist loadfile

check: setup lint types arch ## format, lint, types and import contracts

fmt: setup ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: setup ## is the code formatted, and clean?
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: setup ## mypy, strict
	@$(BIN)/mypy

arch: setup ## import contracts: who may know whom
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

bench: setup ## our engine beside its peers, as ratios of one run
	@$(BIN)/python benchmarks/run.py

bench-data: setup ## a backfill from archive zips, beside polars on the same files
	@$(BIN)/python benchmarks/backfill.py

bench-exchange: setup ## the embedded exchange: orders, klines and stream events a second, memory
	@$(BIN)/python benchmarks/exchange.py
	@$(BIN)/python benchmarks/exchange_streams.py

bench-control: setup ## the control API: what readers cost an executor, the ceiling, a chart of a million bars
	@$(BIN)/python benchmarks/control_api.py
	@$(BIN)/python benchmarks/chart_page.py

web: ## build the web UI from web/ (node 20.19 or newer; not needed to run it)
	@cd web && npm ci --silent && npm run --silent build

web-check: web ## types, lint and tests of the web UI; is the committed bundle what web/ gives?
	@cd web && npm run --silent check
	@test -z "$$(git status --porcelain -- trading_assets/interfaces/web)" || \
	  { echo "the bundle in trading_assets/interfaces/web is not what web/ gives: commit the one just built" >&2; exit 1; }

lock: setup ## resolve the dependencies again, with hashes
	@$(BIN)/uv pip compile --quiet --no-emit-index-url --no-strip-extras --generate-hashes \
	  --extra dev --python-version 3.11 --upgrade pyproject.toml -o requirements.lock
	@sed -i 's/^#    uv pip compile.*/#    make lock/' requirements.lock
	@for names in trading_assets_tests/contracts/clients/*.in; do \
	   $(BIN)/uv pip compile --quiet --no-emit-index-url --no-strip-extras --generate-hashes \
	     --python-version 3.11 --upgrade $$names -o $${names%.in}.txt && \
	   sed -i 's/^#    uv pip compile.*/#    make lock/' $${names%.in}.txt || exit 1; \
	 done

clean: down ## remove everything that was made, but the environment and the live journals
	@find data -mindepth 1 -maxdepth 1 ! -name README.md ! -name live -exec rm -rf {} +
	@find dagster_home -mindepth 1 -maxdepth 1 ! -name dagster.yaml -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
