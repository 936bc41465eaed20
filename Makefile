# `make help` tells what there is.

PYTHON := .venv/bin/python
SECONDS := 60
soak: SECONDS := 300

PREFIX := /usr/local
DESTDIR :=
# What the daemon runs on: its user must be able to read it.
SYSTEM_PYTHON := /usr/bin/python3
PIP := .venv/bin/pip

# The functional tests mostly wait: more of them at a time than there are processors.
WORKERS := 4

SCRIPTS := $(addprefix openwrt/henbd/files/henbd,.init -guard.init -firmware .defaults .rpcd) \
                   systemd/henbd-guard systemd/henbd-firmware systemd/install.sh

.PHONY: help demo lab test openwrt-check openwrt-releases check test-unit conformance fuzz test-kernel matrix soak bench \
        bench-short model install \
        uninstall clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: setup-lab ## registration and address change in a lab on this machine, as a ladder (root)
	@$(PYTHON) -m tests.lab.demo

lab: setup-lab ## the same lab, kept up to look around in (root)
	@$(PYTHON) -m tests.lab.demo --keep

test: setup-lab ## unit and functional tests (root)
	@EXAMPLES=100 $(PYTHON) -m pytest -n $(WORKERS) --dist worksteal --ignore tests/openwrt

openwrt-check: setup-openwrt ## the OpenWrt package: its scripts run, its page rendered (root)
	@shellcheck --shell dash $(SCRIPTS)
	@$(PYTHON) -m pytest -q -n $(WORKERS) tests/openwrt

openwrt-releases: ## unit tests with the Python and the libraries of each release of OpenWrt (root)
	@tests/openwrt/releases.sh

check: setup-python ## ruff, mypy, layers, unit tests
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -q tests/unit

conformance: setup-lab ## every entry of the CWMP checklist with its tests, or why it is left out
	@$(PYTHON) -m tests.conformance

fuzz: setup-python ## every parser of a peer's bytes against random ones, SECONDS=60 each
	@$(PYTHON) -m tests.fuzz --seconds $(SECONDS)

test-kernel: setup-lab ## demo and core tests under a full Debian kernel in a VM (root)
	@$(PYTHON) -m tests.lab.vm --timeout 900 -- $(PYTHON) -m tests.lab.demo
	@$(PYTHON) -m tests.lab.vm --timeout 900 -- $(PYTHON) -m pytest -m kernel -n 3 --dist worksteal

# Twice the same machine, by its disk: it has been switched off and on between.
IN_SYSTEMD = HENBD_INSTALLED=$(CURDIR)/build/installed $(PYTHON) -m tests.lab.vm --systemd \
             --disk build/disk --timeout 1200 -- $(PYTHON) -m pytest --exitfirst -m systemd

.PHONY: test-systemd
test-systemd: setup-lab ## henbd as a service of systemd, in a VM that is rebooted (root)
	@$(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/build/installed
	@rm -f build/disk
	@$(IN_SYSTEMD) $(addprefix tests/functional/systemd/test_,service.py doors.py)
	@$(IN_SYSTEMD) $(addprefix tests/functional/systemd/test_,next_boot.py uninstall.py)

matrix: setup-lab ## every fault in every way to do ESP: here, and in a VM (root)
	@$(PYTHON) -m pytest -n $(WORKERS) -m matrix tests/functional/henb
	@$(PYTHON) -m tests.lab.vm --timeout 3600 -- $(PYTHON) -m pytest -n 2 -m matrix tests/functional/henb

soak: setup-lab ## random faults of the matrix for SECONDS=300, the seed printed (root)
	@$(PYTHON) -m tests.lab.soak --seconds $(SECONDS)

bench: setup-lab ## how soon and how small, beside limits of the same run: 200 trials each (root)
	@$(PYTHON) -m tests.bench

bench-short: setup-lab ## the same with two trials each: shows that it works, and nothing else (root)
	@$(PYTHON) -m tests.bench --trials 2

model: setup-python ## the data model's table anew from HENBD_REFERENCE, and what that changed
	@$(PYTHON) -m tests.model_table
	@git diff --stat --patch -- henbd/model/tables

install: setup-python ## henbd for systemd on this machine (PREFIX=/usr/local, DESTDIR=)
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) PYTHON=$(SYSTEM_PYTHON) PIP=$(PIP) systemd/install.sh install

uninstall: ## remove what install has installed; configuration and state stay
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) systemd/install.sh uninstall

storm: setup-python ## 100,000 HeNBs behind a gateway that restarts, in simulated time: minutes
	@$(PYTHON) -m tests.simulation.storm

endurance: setup-lab ## ten thousand sessions and a thousand addresses, simulated and real (root)
	@ENDURANCE=10 $(PYTHON) -m pytest -q -s --timeout 1800 tests/simulation/test_thousands.py \
		tests/functional/test_endurance.py

clean: ## remove what make has made
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-python setup-lab setup-openwrt
setup-python:
	@tests/lab/setup.sh python
setup-lab:
	@tests/lab/setup.sh lab
setup-openwrt:
	@tests/lab/setup.sh openwrt
