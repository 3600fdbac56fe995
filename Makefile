# The platform on one machine. `make up` needs Python 3.11, 3.12 or 3.13 and nothing else; PYTHON=... names one.
PYTHON_IN_VENV := .venv/bin/python
LOCAL := $(PYTHON_IN_VENV) -m ecommerce.local

ifeq (logs,$(firstword $(MAKECMDGOALS)))
service ?= $(wordlist 2,2,$(MAKECMDGOALS))
$(eval $(wordlist 2,9,$(MAKECMDGOALS)):;@:)
endif

.DEFAULT_GOAL := help
.PHONY: docs drills bench-stream help setup up down status logs reset test test-long test-fast test-guards test-compose bench-batch bench-live bench-pages lint lock screenshots browser

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## install everything that is locked into .venv (part of up and test)
	@PYTHON="$(PYTHON)" sh ecommerce/local/setup.sh

up: setup ## start the platform, wait until it is healthy, say how to sign in
	@$(LOCAL) up

down: ## stop everything; nothing is lost
	@$(LOCAL) down

status: ## what runs, how it feels, how much memory it takes
	@$(LOCAL) status

logs: ## follow the logs of all, or of one: make logs consumer
	@$(LOCAL) logs $(service)

reset: ## stop everything and delete all data (asks first; yes=1 does not)
	@$(LOCAL) reset $(if $(yes),--yes)

test: setup browser ## all tests, on servers of their own
	@$(PYTHON_IN_VENV) -m pytest -rs --durations=15 tests

test-long: setup ## the tests that take minutes of Spark each: erasure, idempotence, two Spark workers
	@TEST_LONG=1 $(PYTHON_IN_VENV) -m pytest -rs -m long tests/integration

test-fast: setup ## unit tests alone, no servers
	@$(PYTHON_IN_VENV) -m pytest -rs tests/unit

test-guards: setup ## take each guard of the dashboard away and see its test fail; writes docs/security.md (8 minutes; only=WORDS: some of them)
	@$(PYTHON_IN_VENV) tests/guards.py $(if $(only),"$(only)")

test-compose: setup ## the containers of docker-compose.yml: build, start, use, kill, stop (needs a Docker engine; core=1: as CI does)
	@TEST_COMPOSE=1 $(PYTHON_IN_VENV) -m pytest -rs -x --durations=0 tests/compose $(if $(core),-m "not long")

bench-stream: setup ## the stream against raw Kafka and other frameworks; writes docs/benchmarks.md (8 minutes; args=--quick: one)
	@$(PYTHON_IN_VENV) -m benchmarks.stream $(args)

lint: setup ## ruff's checks and formatting
	@$(PYTHON_IN_VENV) -m ruff check . && $(PYTHON_IN_VENV) -m ruff format --check .

drills: setup ## break the stream in every way and check every number; writes docs/drills.md (an hour; quick=1: minutes)
	@$(PYTHON_IN_VENV) -m drills --both $(if $(quick),--quick) --report docs/drills.md

bench-batch: setup ## the batch side against the usual ways; writes docs/benchmarks.md (about an hour on a quiet machine; full=1: larger sizes, too; only=PART; quick=1: a try that writes nothing)
	@$(PYTHON_IN_VENV) -m benchmarks.batch $(if $(quick),--quick) $(if $(full),--full) $(foreach part,$(only),--only $(part))

docs: setup ## write the generated pages of docs/ anew
	@$(PYTHON_IN_VENV) -m ecommerce.reference

lock: ## write requirements*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	@sh ecommerce/local/lock.sh

bench-live: setup ## the live feed against the usual ways; writes docs/benchmarks.md (quick=1: small, writes nothing; about 5 minutes, wants a quiet machine)
	@$(PYTHON_IN_VENV) -m benchmarks.live $(if $(quick),--quick)

bench-pages: setup browser ## every page over a year of data: queries, first content, weight, layout shift; writes docs/benchmarks.md (3 minutes)
	@$(PYTHON_IN_VENV) benchmarks/pages.py

screenshots: setup browser ## make the pictures of docs/images anew (all=FOLDER: every page whole, light, dark and phone, to be looked at)
	@$(PYTHON_IN_VENV) tests/integration/screenshots.py $(all)

browser:
	@sh ecommerce/local/browser.sh
