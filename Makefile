# Two commands do all the set-up: `make demo` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
# uv is used where it is installed, and bootstrapped into .uv/ where it is not.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen --all-extras
CRM ?= standard
ERP ?= standard
SIZE ?= S
PORT ?= 8000
# KAFKA=1 runs over a real Kafka that Debezium fills (needs Java 17 and Maven).
KAFKA ?=
LOG := $(if $(filter 1,$(KAFKA)),kafka,postgres)
PYTHON ?= python3
# Tests mostly wait for something: two processes take little more than half the time of one.
# How they are shared out, and in which order: tests/support/turns.py.
AT_ONCE := --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: help env demo demo-clean tour check check-form check-behaviour test bench snapshots

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

env: $(UV) ## Create or refresh the environment from uv.lock
	@$(UV) sync --frozen --all-extras --compile-bytecode --quiet

demo: env ## The whole firm on this machine: five systems, the hub, GraphiQL
	@$(RUN) concord demo --crm $(CRM) --erp $(ERP) --size $(SIZE) --log $(LOG) --port $(PORT)

demo-clean: env ## Forget the demo's data
	@$(RUN) concord demo --clean

tour: env ## The same, telling its story unattended; exits 1 if a step does not hold
	@$(RUN) concord demo --tour --crm $(CRM) --erp $(ERP) --size $(SIZE) --log $(LOG)

check: env ## The fast gates: format, lint, types, import contracts, snapshots, fast tests
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(MAKE) --jobs=2 --no-print-directory check-form check-behaviour

# What `make check` runs side by side.
check-form: env
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) hadolint Dockerfile
	@$(RUN) concord snapshots --check

check-behaviour: env
	@$(RUN) pytest -q $(AT_ONCE) tests/unit tests/property tests/conformance tests/contract

test: env ## Every test, with a real embedded PostgreSQL; reports coverage
	@$(RUN) pytest -q $(AT_ONCE) --cov --cov-report=
	@$(RUN) coverage report --skip-covered --skip-empty | tail -n 40

bench: env ## Measure; writes bench/results.json (see bench/RESULTS.md)
	@$(RUN) python -m bench

snapshots: env ## Rewrite what is derived: SDL, projection DDL, reference pages
	@$(RUN) concord snapshots
