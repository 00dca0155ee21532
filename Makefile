# Every verb works on a machine with Python 3.11 or later and make, and nothing else.
# Everything is installed into .venv in this folder, and again only when a lock changed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up demo test check bench faults api format coverage lock clean pictures

VENV := .venv
BIN := $(VENV)/bin
# The locks are whole, so nothing is resolved (--no-deps): pip would look at a newer release of a package that is
# wanted with an extra, find no hash for it, and refuse, from the day on which that release comes out.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

# Without a build environment of its own: all that it needs, the build tool included, is in the locks.
# Editable, so that a change is there at once.
INSTALL_PROJECT := PYTHONWARNINGS=ignore $(INSTALL) --no-build-isolation --editable .

# Tried in this order; the locks serve 3.11 to 3.13, so one of these is taken before a newer python3.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  make demo BREAK=lost|double|early|quiet|unacked   spoil the product on purpose: must exit 1"
	@echo "  make demo KEEP=1                                  leave it running, with the pages open"
	@echo "  make test ARGS='-k quiet_hours'                   give pytest more arguments"
	@echo "  make test TEST_WORKERS=2                          two tests at once"
	@echo "  make faults ARGS='--only F8 --seeds 0:20 --again' one case, some seeds, once more"

up: $(VENV)/run.stamp ## start it here; without Twilio no real phone is reached
	@$(BIN)/cism up $(ARGS)

demo: $(VENV)/run.stamp ## the main job on real incidents, by itself, in a few minutes
	@BREAK="$(BREAK)" KEEP="$(KEEP)" $(BIN)/python -m demo

# TEST_WORKERS=2: two at once, each with databases of its own; tests/handing_out.py says what stays together.
TEST_WORKERS ?= 0

test: $(VENV)/dev.stamp ## all tests
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev.stamp ## format, lint, types, import contracts, all tests
	@echo "format"  && $(BIN)/ruff format --check --quiet .
	@echo "lint"    && $(BIN)/ruff check --quiet .
	@echo "types"   && $(BIN)/mypy
	@echo "imports" && $(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

bench: $(VENV)/dev.stamp ## time from logged to accepted, and messages a second
	@$(BIN)/python -m bench $(ARGS)

faults: $(VENV)/dev.stamp ## the fault campaign: goes on where it stopped, prints its table and its time
	@$(BIN)/python -m tests.faults $(ARGS)

api: $(VENV)/dev.stamp ## the API against its own document, with far more requests than in a test run
	@CISM_API_EXAMPLES=200 $(BIN)/python -m pytest -n 0 --timeout 7200 tests/proof/test_openapi.py $(ARGS)

golden: $(VENV)/dev.stamp ## write the golden rehearsals of all protocols anew, to be read
	@$(BIN)/python -m tests.golden

pictures: $(VENV)/dev.stamp ## take the pictures of docs/pictures anew, with the system's Chromium
	@$(BIN)/python -m tests.pages.pictures

format: $(VENV)/dev.stamp ## write the code as the house writes it
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

coverage: $(VENV)/dev.stamp ## all tests, with the branches that none of them takes
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

# Without addresses: where packages come from is the business of the machine that installs them.
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --generate-hashes \
	--allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: $(VENV)/dev.stamp ## pin all dependencies anew, with hashes (UP=--upgrade for newer versions)
	@$(COMPILE) $(UP) --output-file requirements/run.lock pyproject.toml requirements/also.in
	@$(COMPILE) $(UP) --extra dev --constraint requirements/run.lock --output-file requirements/dev.lock \
		pyproject.toml requirements/also.in
	@sed -i.old '/considered to be unsafe in a requirements/d' requirements/*.lock && rm -f requirements/*.old

clean: ## remove .venv and what tools left behind (never .cism)
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

$(BIN)/python:
	@chosen=; for one in $(CANDIDATES); do \
		if "$$one" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
		then chosen="$$one"; break; fi; done; \
	if [ -z "$$chosen$(PYTHON)" ] && python3 -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null; \
		then chosen=python3; fi; \
	if [ -z "$$chosen" ]; then \
		echo "Python 3.11 or later is needed, and none of these is: $(CANDIDATES). Install one, or: make PYTHON=/path/to/python3" >&2; \
		exit 1; fi; \
	echo "making $(VENV) with $$("$$chosen" --version)"; \
	if ! "$$chosen" -m venv $(VENV) >/dev/null 2>&1; then rm -rf $(VENV); \
		echo "$$chosen cannot make a virtual environment here. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; fi

$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "installing what it runs on (once; a minute or two)"
	@$(INSTALL) --require-hashes --requirement requirements/run.lock
	@$(INSTALL_PROJECT)
	@touch $@

# The dev lock holds the run lock's versions, so that one install serves both.
$(VENV)/dev.stamp: requirements/dev.lock requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "installing what tests need (once; two or three minutes)"
	@$(INSTALL) --require-hashes --requirement requirements/dev.lock
	@$(INSTALL_PROJECT)
	@touch $(VENV)/run.stamp $@
