# make demo   the dashboard with the demo family       make test    everything that must hold
# make bench  speed, memory and accuracy, measured     make check   the linters alone
# make install  only the virtual environment           make lock    pin the newest versions that fit
# make bench-gpu PYTHON=...  the pass on a GPU, by a Python that has torch with CUDA; nothing is installed
# make experiment  three strategies, three sets of foundation models: the table of docs/experiment.md

PORT ?= 8501
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: demo test quick bench bench-gpu experiment check install lock chromium postgresql
.DELETE_ON_ERROR:

demo: install
	@$(BIN)/kinship app --port $(PORT)

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@echo "installing into .venv (some minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

.venv/developing: .venv/installed requirements-dev.lock
	@$(PIP) -r requirements-dev.lock
	@touch $@

chromium:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else echo "the browser tests need Chromium: install the package chromium, or Google Chrome" >&2; exit 1; fi

postgresql:
	@command -v initdb >/dev/null && exit 0; ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; \
	else echo "the tests with several workers need PostgreSQL: install the package postgresql" >&2; exit 1; fi

# tests in a browser, which click against the clock, run by themselves, all others side by side
ALONE := tests/browser tests/plots/test_click.py

check: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the pure rooms, without what merges, builds families or interprets a GPU's kernel
QUICK := tests/checkpoints tests/connectivity tests/evolution tests/lineage tests/merging tests/published tests/similarity
SLOW := tests/checkpoints/test_unmerged.py tests/evolution/recipes/test_recipe_search.py tests/lineage/test_infer.py \
	tests/lineage/test_paternity.py tests/merging/test_backend.py tests/merging/test_bring_along.py tests/merging/test_cli.py \
	tests/merging/test_child_tensors.py tests/similarity/test_adapted.py tests/similarity/test_cuda.py

quick: check
	$(BIN)/python -m pytest -n 2 --dist loadfile $(QUICK) $(SLOW:%=--ignore=%)

test: check chromium postgresql
	$(BIN)/python -m pytest -n 3 --dist loadfile $(ALONE:%=--ignore=%)
	$(BIN)/python -m pytest $(ALONE)

bench: .venv/developing
	$(BIN)/python -m benchmarks

bench-gpu:
	@$(PYTHON) -m benchmarks.gpu

experiment: .venv/developing
	@HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks.experiment

LOCK := $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-header --no-annotate --no-emit-index-url

# torch brings its CUDA libraries itself where its build needs them; the tests need Triton with every build
lock: .venv/developing
	@(echo "# Exact versions of everything that kinship needs; made by 'make lock'."; \
	  $(LOCK) pyproject.toml | sed -E '/^(nvidia|triton|cuda)/d; s/\+cpu//') > requirements.lock.new
	@(echo "# What developing needs on top; made by 'make lock'."; echo "-r requirements.lock"; \
	  $(LOCK) pyproject.toml --group dev --constraint requirements.lock.new | sed -E '/^(nvidia|cuda)/d; s/\+cpu//' \
	  | grep -vxF -f requirements.lock.new) > requirements-dev.lock.new
	@mv requirements.lock.new requirements.lock && mv requirements-dev.lock.new requirements-dev.lock
