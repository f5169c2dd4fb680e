# Every target works in a fresh clone: a missing environment is created.
PY := .venv/bin/python

.PHONY: help check check-all constraints fix bench release demo pictures report-pictures
help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

.venv/dev: pyproject.toml constraints.txt
	python3 .ci/environment.py dev
	@touch $@

.venv-lowest/dev: pyproject.toml constraints-lowest.txt
	python3 .ci/environment.py --lowest dev
	@touch $@

check: .venv/dev  ## format, lint, types, import contracts, tests: under three minutes
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest

check-all: check .venv-lowest/dev  ## check, the slow tests, and the fast ones with the oldest dependencies
	$(PY) -m pytest -m slow -n 2
	.venv-lowest/bin/python -m pytest

fix: .venv/dev  ## format, and apply the fixes of ruff
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench:  ## measure the budgets, as ratios within this run
	python3 .ci/environment.py dev bench
	$(PY) -m tests.bench

constraints: .venv/dev  ## update the pinned versions (with the oldest supported Python)
	$(PY) .ci/constraints.py --latest

release:  ## build the wheel and the sdist, check them, and try each in a new environment
	.ci/release

demo: .venv/dev  ## run the monitor with simulated servers
	.venv/bin/lictui --demo

pictures: .venv/dev  ## write screenshots/ from the demo (needs chromium), and pages of docs/
	$(PY) -m tests.pictures
	$(PY) -m tests.key_page
	$(PY) -m tests.configuration_page

report-pictures: .venv/dev  ## render the report as a browser, a printer and a spreadsheet do
	$(PY) -m tests.report.demo_report
