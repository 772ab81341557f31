# Everything here sets itself up: git, make and a Python from 3.11 on (with its venv module) are enough.
#   make demo PYTHON=/path/to/python3.12     chooses the Python (only when .venv does not exist yet)
#   make test ARGS="tests/unit -k funding"   runs a part

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
UV := $(BIN)/uv
PACKAGES := risk adapters config bot tests
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
FOREIGN := ib_insync ibapi ccxt
WORKERS ?= auto
ARGS ?=
KILLS ?= 30
TIMES ?= 20
JOBS ?= 2
RUNS ?=
SEED ?=
RECORDED ?= ../shared/data
DATA ?= $(RECORDED)/xbtusd_xbtm19_bidask_20190528_20190604.csv.gz
HOURLY := $(RECORDED)/cme_bitmex_hourly_2018_2020.csv.gz
CRASH := $(RECORDED)/xbtusd_1m_2020-02-15_2020-05-31.csv.gz
FUNDING := $(RECORDED)/xbtusd_funding_2018_2020.csv
OUT ?= replays
export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The machine's own certificates where it has them: behind a company's proxy no others will do.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif

.PHONY: help setup demo unattended test bench stutter flatten-states golden day clients mutants crash crash-kills crash-images docs lint lock clean simulate simulate-core orphans replay-week replay-2019 replay-march-2020 weekends march-2020 expiries margin-actions

help: ## say what there is
	@echo "basisbot: targets"
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-21s %s\n", $$1, $$2 }'

setup: $(STAMP) ## make .venv with everything the lock names

demo: $(STAMP) ## run the whole job on simulated venues: open, hedge, fund, unwind, report
	@$(BIN)/basisbot demo --auto-approve $(ARGS)

unattended: $(STAMP) ## the demo while everybody sleeps, on a standing approval: SCENARIO=closure, deposit, orphan, night (5 minutes)
	@$(BIN)/basisbot demo --scenario $(or $(SCENARIO),night) --size 1 --tranches 2 $(ARGS)

test: lint ## lint, then every test
	@$(BIN)/python -m pytest -n $(WORKERS) --maxschedchunk 1 $(ARGS)

bench: $(STAMP) ## measure hedge latency, naked exposure, ledger, flatten, runs, start-up (ARGS="--only hedge --json FILE")
	@$(BIN)/python -m tests.bench $(ARGS)

stutter: $(STAMP) ## run tests while their processes are stopped at random moments (ARGS="--seed 7 tests/integration")
	@$(BIN)/python -m tests.stutter -n 2 $(or $(ARGS),tests/integration tests/conformance)

flatten-states: $(STAMP) ## flatten from every state over sockets, each with its time; a table (ARGS="--json FILE")
	@$(BIN)/python -m tests.e2e.flatten_states $(ARGS)

golden: $(STAMP) ## the guides' figures as the simulated venues answer them: both spreads, a real position's margin
	@$(BIN)/python -m pytest -q -s -p no:xdist tests/conformance/test_spreads.py \
		tests/integration/test_bitmex_server_positions.py -k "table or real_position"

day: $(STAMP) ## a day at both venues, in minutes, with every fault there is; says how often each happened
	@$(BIN)/python -m tests.simulation.day $(ARGS)

simulate: $(STAMP) ## live the whole bot RUNS times in virtual time with every fault, in JOBS processes; SEED=n: one life alone
	@$(BIN)/python -m tests.simulation.whole $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),5000) --jobs $(JOBS))

orphans: $(STAMP) ## orphan a leg in RUNS lives in virtual time, by every kind and what only looks so; times, naked XBT; SEED=n: one
	@$(BIN)/python -m tests.simulation.orphans $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),1008) --jobs $(JOBS))

simulate-core: $(STAMP) ## run the decisions alone RUNS times between misbehaving venues, in JOBS processes; SEED=n: one
	@$(BIN)/python -m tests.property.core_runs $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),100000) --jobs $(JOBS))

replay-week: $(STAMP) ## play the recorded week of DATA through the whole bot, in virtual time
	@$(BIN)/basisbot replay $(DATA) --open-at 100 --close-at 60 --size 0.5 --tranches 2 --wallet 20 --cash 2000000 \
		--no-collateral --approve-after 0s $(ARGS)

replay-2019: $(STAMP) ## play 2019, by the hour, with its funding and every roll; ledger and HTML report in OUT
	@$(BIN)/basisbot replay $(HOURLY) $(FUNDING) --from 2019-01-01 --to 2020-01-01 --out $(OUT)/2019 $(ARGS)

replay-march-2020: $(STAMP) ## play March 2020, by the minute: the price halves within a day; report in OUT
	@$(BIN)/basisbot replay $(CRASH) $(HOURLY) $(FUNDING) --from 2020-03-01 --to 2020-04-01 \
		--out $(OUT)/march-2020 $(ARGS)

margin-actions: $(STAMP) ## run both spreads up and down: which account falls short, what is asked for, sent, released and hedged
	@$(BIN)/python -m tests.simulation.margin_actions

weekends: $(STAMP) ## every weekend of CME's in HOURLY with the automation and without, recorded and at the configured gap
	@$(BIN)/python -m tests.simulation.weeks --hours $(HOURLY) --funding $(FUNDING) --jobs $(JOBS) $(ARGS)

march-2020: $(STAMP) ## 12 and 13 March 2020 by the minute: without the automation, with it, and with what it asks for sent
	@$(BIN)/python -m tests.simulation.march $(ARGS)

expiries: $(STAMP) ## the expiries of December 2026 and March 2027, rolled and held to settlement, both spreads: Δ over time
	@$(BIN)/python -m tests.simulation.expiries --jobs $(JOBS) $(ARGS)

clients: $(FOREIGN:%=.venv-clients/%/.set-up) ## run ib_insync, ibapi and ccxt's own bitmex against the simulators
	@$(BIN)/python -m tests.clients.run

mutants: $(STAMP) ## make each committed mistake in a copy: a named suite must notice (ARGS="--sample 6")
	@$(BIN)/python -m tests.mutants.run $(ARGS)

crash: $(STAMP) ## die at every boundary of every life of a bot, and be judged (ARGS="--sample 500")
	@$(BIN)/python -m tests.crash.boundaries $(ARGS)

crash-kills: $(STAMP) ## kill real bots at chosen system calls, and be judged (needs strace; KILLS=30)
	@$(BIN)/python -m tests.crash.kills --kills $(KILLS)

crash-images: $(STAMP) ## open what a power cut leaves of a ledger: some thousand images
	@BASISBOT_CRASH_TIMES=$(TIMES) $(BIN)/python -m pytest tests/crash/test_images.py

docs: $(STAMP) ## write the pages of docs/ that are made from the program
	@$(BIN)/python -m bot.cli.reference docs

lint: $(STAMP) ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check $(PACKAGES)
	@$(BIN)/ruff format --check $(PACKAGES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

lock: $(STAMP) ## resolve every dependency anew and write the locks (with hashes)
	@$(COMPILE) --upgrade requirements-uv.in -o requirements-uv.lock
	@$(COMPILE) --upgrade --group dev --group build pyproject.toml -o requirements.lock

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find $(PACKAGES) -type d -name __pycache__ -exec rm -rf {} +

# The stamp is a file, so nothing is installed twice: only a changed lock or project file sets up again.
$(STAMP): requirements-uv.lock requirements.lock pyproject.toml
	@sh scripts/make-venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements-uv.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Each foreign client has an environment and a lock of its own. setuptools first: ibapi comes as source only.
.venv-clients/%/.set-up: tests/clients/%.txt tests/clients/setuptools.txt $(STAMP)
	@$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	@$(UV) pip install --quiet --python $(@D)/bin/python --require-hashes -r tests/clients/setuptools.txt
	@$(UV) pip install --quiet --python $(@D)/bin/python --require-hashes --no-build-isolation --compile-bytecode -r $<
	@touch $@
