# Every target works in a fresh clone: the environment is made when it is missing.
PY := .venv/bin/python

.PHONY: help check check-all fix bench demo screenshots report-pictures
help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

.venv/dev: pyproject.toml
	python3 .ci/environment.py dev
	@touch $@

check: .venv/dev  ## format, lint, types, walls, tests: under three minutes
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest

check-all: check  ## check, and the slow end-to-end and engine tests
	$(PY) -m pytest -m slow -n 2

fix: .venv/dev  ## format, and mend what ruff can
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: .venv/dev  ## the budgets, as ratios measured in this run
	$(PY) -m tests.bench

demo: .venv/dev  ## the monitor on a simulated estate
	.venv/bin/lictui --demo

screenshots: .venv/dev  ## write screenshots/ from the demo
	$(PY) -m tests.screenshots
	$(PY) -m tests.key_page

report-pictures: .venv/dev  ## the report as a browser, paper and a spreadsheet show it
	$(PY) -m tests.report.demo_report
