# `make` alone prints what there is. PYTHON chooses the interpreter the environment is made with.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
CAMPAIGN ?=
.DEFAULT_GOAL := help
.PHONY: help setup demo test long check chaos bench regress campaign intruder

help: ## this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: ## make .venv with everything in it (nothing to do when it is up to date)
	@$(PYTHON) sightline/setup/install.py

demo: setup ## the whole system on a street of its own; ARGS="--headless --once" for a machine
	@$(BIN)/python -m sightline demo $(ARGS)

test: setup ## unit, integration and acceptance tests; ARGS="-k parking" chooses
	@command -v chromium chromium-browser google-chrome >/dev/null \
	  && echo "browser tests: run, a browser is installed" \
	  || echo "browser tests: skipped, no chromium is installed (Debian: apt-get install chromium)"
	@$(BIN)/python -m tests.lanes $(ARGS)

long: setup ## what `make test` tries with few seeds and clips, with all of them
	@$(BIN)/python -m pytest -m long $(ARGS)

check: setup ## lint, format, types, and which room may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

chaos: setup ## kill, hang, cut, fill, set clocks; nothing may be lost or doubled. ARGS="-k clock" or CAMPAIGN="--seeds 3"
	@SIGHTLINE_CHAOS_ROUNDS=$${SIGHTLINE_CHAOS_ROUNDS:-12} \
	  $(BIN)/python -m pytest -m "" -k "chaos or killed or test_edge_goes_on or test_child_hangs" --timeout 1800 $(ARGS)
	@$(BIN)/python -m tests.bench.chaos_takeover --kills 20
	@$(BIN)/python -m tests.bench.chaos $(CAMPAIGN)

bench: setup ## how fast this machine looks at the demo's street; JSON
	@$(BIN)/python -m sightline.demo.bench $(ARGS)

regress: setup ## a short benchmark beside Ultralytics' tracking: has a camera become dearer? ARGS=--keep adds to the history
	@$(BIN)/python -m sightline bench edge --short --peer ultralytics --history docs/benchmarks/history.jsonl $(ARGS)

campaign: setup ## 1,000 generated scenes of a rule against their truth; ARGS="--rule parking"
	@$(BIN)/python -m tests.bench.campaign --rule yield $(ARGS)

intruder: setup ## 100,000 fuzzed messages and every attack we know of: nothing may come of it; ARGS="--seed 7"
	@$(BIN)/python -m tests.bench.intruder $(ARGS)
