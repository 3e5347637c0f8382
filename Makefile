# `make help` prints the lines below that carry a double hash.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin
PORT ?= 7860
# Two for the browser tests and one for the rest, which often waits.
WORKERS ?= 3
# The tests start many programs: Python may keep what it compiles.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-models setup-trl setup-vllm setup-labelstudio demo test check test-thorough test-browser test-models test-vllm test-verl test-labelstudio test-faults bench screenshots clean

help: ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(VENV)/.installed ## make .venv and install everything but the local models

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and none was found; install one, or run: make PYTHON=/path/to/python3.12 setup"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

setup-models: setup $(VENV)/.installed-models ## add the local models and verl: torch, diffusers, spaCy, ray (gigabytes)

$(VENV)/.installed-models: pyproject.toml | $(VENV)/.installed
	$(RUN)/python -m pip install --quiet --editable '.[dev,models,pos,verl]'
	@touch $@

setup-trl: setup-models .trl/.installed ## add TRL for DPO's tests, in a folder that verl does not see

.trl/.installed: Makefile | $(VENV)/.installed-models
	rm -rf .trl
	$(RUN)/python -m pip install --quiet --no-deps --target .trl trl==1.16.0
	@touch $@

setup-vllm: setup ## make .vllm: vLLM for this CPU in an environment of its own (2.6 GB)
	.ci/vllm/install.sh $(PYTHON)

setup-labelstudio: setup ## make bench/.label-studio: a Label Studio server and its SDK in their own environment (1 GB), migrations done
	$(RUN)/python -m bench.label_studio

demo: setup ## set up everything and open the app on the starter scenarios
	$(RUN)/curator demo --port $(PORT)

test: setup ## set up everything and run the tests
	$(RUN)/pytest -n $(WORKERS) --dist loadgroup -m "not faults and not vllm and not verl and not labelstudio and not thorough"

test-thorough: setup ## longer ones: a browser in trouble, hostile texts, accessibility, runs that are killed
	$(RUN)/pytest -n $(WORKERS) --dist loadgroup -m "thorough and not faults"

check: setup ## lint, format, types, import contracts, size limits, Dockerfile
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python .ci/size_limits.py
	if test -x $(RUN)/hadolint; then $(RUN)/hadolint Dockerfile; fi

test-browser: setup ## only the tests that drive a Chromium
	$(RUN)/pytest -m browser

test-models: setup-models ## real small models on the CPU: pictures, embeddings, text in pictures; no download
	CURATOR_MODELS_REQUIRED=1 OMP_NUM_THREADS=1 $(RUN)/pytest -n 2 --dist loadfile -m "models and not vllm and not verl"

test-vllm: setup-models setup-vllm ## the whole pipeline and judge runs against models on vLLM, over HTTP: minutes long
	CURATOR_MODELS_REQUIRED=1 $(RUN)/pytest -m vllm tests/real

test-verl: setup-trl ## SFT and CASPO on verl, DPO on TRL, with tiny models on this CPU: minutes long
	CURATOR_MODELS_REQUIRED=1 OMP_NUM_THREADS=1 $(RUN)/pytest -m verl tests/real tests/caspo

test-labelstudio: setup-labelstudio ## push to and pull from a real Label Studio server, killed on the way: minutes long
	CURATOR_MODELS_REQUIRED=1 $(RUN)/pytest -m labelstudio tests/real tests/curator_app

test-faults: setup ## kill servers, fill disks: minutes long
	$(RUN)/pytest -n 2 --dist worksteal -m faults

bench: setup ## run the benchmarks and keep their results under bench/results
	$(RUN)/python -m bench.import_cost
	$(RUN)/python -m bench.claims
	$(RUN)/python -m bench.review_latency
	$(RUN)/python -m bench.endpoint_throughput
	$(RUN)/python -m bench.judge_throughput
	$(RUN)/python -m bench.write_tables

screenshots: setup ## take the screenshots of docs/ from a running demo
	$(RUN)/python docs/take_screenshots.py

clean: ## remove .venv and caches; never the workspace
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
