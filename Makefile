# Two commands matter: `make demo` and `make test`. Both install what they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?=
BIN := .venv/bin
RUN := $(BIN)/python -m
# `make up DOCKER=1` runs the back-ends as containers, `make up ONLY=backends` leaves the services out
UP_ARGS := $(if $(DOCKER),--docker) $(if $(ONLY),--only $(ONLY)) $(if $(BROKER),--broker $(BROKER))
# `make test TESTS="shared -k outbox"` runs a part
TESTS ?=
# What disturbs a whole platform on purpose has a target of its own
FIRE := tests/chaos tests/failpoints tests/bad_messages tests/openapi tests/libraries
WORKERS ?= 2
# `make telemachus ARGS="dlq list"` runs one command of the operators' command line
ARGS ?= --help
# `make bench-matching BENCH_ARGS="--sizes 1000,3000"` measures a part; `--huge` adds 100,000 people a side
# `make bench-events BENCH_ARGS="--minutes 30"` watches memory for longer; `--publish` writes the page in docs
BENCH_ARGS ?=
FAILPOINTS_ARGS ?=
SIZING_ARGS ?=
# `make chaos CHAOS_ARGS="--volunteers 200 --kills 3 --seed 11"` runs another size; `--full` the published one
CHAOS_ARGS ?=
UV = $(shell command -v uv || echo "$${XDG_CACHE_HOME:-$$HOME/.cache}/telemachus/uv/bin/uv")

.PHONY: help install demo demo-once test fire up run down status logs telemachus lint format schemas bench-matching bench-events sizing chaos failpoints schemathesis bad-messages clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install what is missing (everything below does this first)
	@PYTHON="$(PYTHON)" deploy/local/bootstrap.sh

demo: install ## play a whole programme on real parts, and stay up until Ctrl-C
	@$(RUN) demo $(DEMO_ARGS)

demo-once: install ## the same, then stop, leaving build/demo.json
	@$(RUN) demo --once $(DEMO_ARGS)

test: install ## run every suite but those of `make fire`, on real Kafka and MongoDB
	@$(RUN) local_stack fetch
	@$(RUN) pytest -n $(WORKERS) --dist loadfile $(or $(TESTS),$(FIRE:%=--ignore=%))

fire: install ## chaos, failpoints, bad messages, made-up requests, what libraries do: the short form of each
	@$(RUN) local_stack fetch
	@$(RUN) pytest -n $(WORKERS) --dist loadfile $(FIRE)

up: install ## start back-ends and services in the background
	@$(RUN) local_stack up $(UP_ARGS)

run: install ## the same in the foreground, until Ctrl-C
	@$(RUN) local_stack run $(UP_ARGS)

down: install ## stop what `make up` started
	@$(RUN) local_stack down

status: install ## what runs, where, and whether it answers
	@$(RUN) local_stack status

logs: install ## follow the logs
	@$(RUN) local_stack logs --follow

telemachus: install ## the operators' command line on what runs here: make telemachus ARGS="doctor"
	@$(BIN)/telemachus --local $(ARGS)

lint: install ## ruff, mypy, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy shared/src services/*/src deploy/*/src
	@$(BIN)/lint-imports

format: install ## let ruff repair what it can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

schemas: install ## write the JSON Schemas, examples and AsyncAPI documents anew
	@$(RUN) shared.contracts.schema_export
	@$(RUN) shared.testing.asyncapi_export
	@$(RUN) matching.files.schemas

bench-matching: install ## compare the matching engine with what else there is
	@UV_PYTHON_DOWNLOADS=never PYTHONPATH=deploy/bench/src \
		"$(UV)" run --frozen --group bench python -m matching_bench $(BENCH_ARGS)

chaos: install ## kill, freeze, cut and restart everything under load; then check that nothing was lost
	@$(RUN) local_stack fetch
	@$(RUN) chaos $(CHAOS_ARGS)

failpoints: install ## kill the services at every named place, 25 times each (an hour); FAILPOINTS_ARGS="--each 1"
	@PYTHONPATH=tests $(RUN) failpoints $(FAILPOINTS_ARGS)

schemathesis: install ## 5,000 made-up requests to each API, judged by its OpenAPI document; or CASES=500
	@rm -f build/schemathesis.json
	@SCHEMATHESIS_CASES=$(or $(CASES),5000) $(RUN) pytest tests/openapi

bench-events: install ## compare the way of an event with what Kafka and MongoDB alone can do
	@$(RUN) local_stack fetch
	@PYTHONPATH=deploy/bench/src $(RUN) events_bench $(BENCH_ARGS)

sizing: install ## what a company of a given size needs, from what `make bench-events` measured; SIZING_ARGS="--people 20000"
	@PYTHONPATH=deploy/bench/src $(RUN) sizing $(SIZING_ARGS)

bad-messages: install ## 100,000 mutated messages to a real service, judged by the published schemas; or COUNT=20000 SEED=7
	@BAD_MESSAGES=$(or $(COUNT),100000) BAD_MESSAGES_SEED=$(or $(SEED),1) $(RUN) pytest tests/bad_messages

clean: ## stop the stack; remove its data, build results and tool caches
	@if [ -x $(BIN)/python ]; then $(RUN) local_stack clean; fi
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
