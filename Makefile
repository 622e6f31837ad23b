# The two commands are `make demo` and `make test`; each sets up what it needs, in .venv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo test lint types uncompiled covered format clean setup programs

VENV := .venv
RUN := $(VENV)/bin/python -m
CODE := schemas generators monitors connectors stream_app tests benchmarks

# The first Python that is new enough; name another one with `make PYTHON=... test`.
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3.11 python3 python; do \
	if $$each -c '$(ENOUGH)' 2>/dev/null; then echo $$each; break; fi; done)

# What is installed is remembered by what pyproject.toml said, so a second run is quick and a change installs anew.
SAID := $(shell cksum < pyproject.toml | tr ' ' '-')
FOR_TESTS := $(VENV)/.tests-$(SAID)
FOR_DEMO := $(VENV)/.demo-$(SAID)

# Test files that say `pytest.mark.kernel` run a second time, uncompiled: coverage can not see into machine code.
KERNEL_TESTS = $(shell grep -rlE --include='test_*.py' 'mark\.kernel\b' tests | grep -v test_house)

demo: $(FOR_DEMO)
	@exec $(VENV)/bin/synthstream demo

# The last line printed is pytest's own closing line; a failing step fails the target.
test: $(FOR_TESTS) programs
	@$(MAKE) --no-print-directory lint
	@$(RUN) coverage erase
	@$(MAKE) --no-print-directory uncompiled covered

lint: $(FOR_TESTS)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

uncompiled: $(FOR_TESTS)
	$(if $(strip $(KERNEL_TESTS)),NUMBA_DISABLE_JIT=1 $(RUN) coverage run -m pytest -q -m kernel $(KERNEL_TESTS),)

# Two files at a time: many tests wait for a broker. Those of one file stay together, since they share what they train.
# Each has one thread for arithmetic, or they would wait for each other's.
covered: $(FOR_TESTS)
	@said=$$(mktemp); trap 'rm -f "$$said"' EXIT; outcome=0; \
	OMP_NUM_THREADS=1 $(RUN) coverage run -m pytest --numprocesses 2 --dist loadfile 2>&1 | tee "$$said" || outcome=$$?; \
	{ $(RUN) coverage combine --quiet && $(RUN) coverage report; } || outcome=$$?; \
	tail -n 1 "$$said"; exit $$outcome

format: $(FOR_TESTS)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

setup: $(FOR_TESTS)

# Programs the tests use beside Python; a test whose program is missing is skipped and says so.
programs:
	@bash deploy/programs.sh

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then echo "make: Python 3.11 or later not found; install it, or say make PYTHON=..." >&2; exit 2; fi
	$(PYTHON) -m venv $(VENV)

$(FOR_TESTS): | $(VENV)/bin/python
	$(RUN) pip install --quiet --disable-pip-version-check --editable '.[assess,demo,nn,track,tune,test,dev]'
	@rm -f $(VENV)/.tests-* && touch $@

$(FOR_DEMO): | $(VENV)/bin/python
	@if [ ! -e $(FOR_TESTS) ]; then \
		$(RUN) pip install --disable-pip-version-check --editable '.[assess,demo]'; fi
	@rm -f $(VENV)/.demo-* && touch $@

# Leaves .venv, which `rm -r .venv` removes.
clean:
	rm -rf build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache demo-summary.json
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
