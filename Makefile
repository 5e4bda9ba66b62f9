# Everything a developer does, one target each. The first target anyone runs sets up what it needs.

.DEFAULT_GOAL := help
.PHONY: help run dev demo manage backup restore test test-fast test-matrix image image-test fuzz audit docs lint format types schema messages lock upgrade-deps release update drop clean clean-data
.NOTPARALLEL:
SHELL := /bin/sh
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PYTHON := $(or $(PYTHON),python3)
endif
no_python = $(error Python 3.11 or newer is needed and there is no $(PYTHON) on PATH: install it)
bootstrap = $(if $(shell command -v "$(PYTHON)"),"$(PYTHON)" -m scripts.bootstrap,$(no_python))
# What runs the product, without the packages that only tests and other checks need.
bootstrap_run = $(bootstrap) --dotenv --no-tests
VENV := .venv/bin/python
NPM := $(VENV) -m scripts.node npm
# As it was typed, in a variable of the shell, so that no character of it is one of make's or of the
# shell's; and only from the command line: NAME and EMAIL are set in many a shell for something else,
# and what programs are to know by them is not what is given here (git takes EMAIL for the author's).
given = $(if $(filter command,$(origin $(1))),$(eval unexport $(1))$(eval export GIVEN_$(1) := $$(value $(1)))--$(2)="$${GIVEN_$(1)}")

-include scripts/template.mk scripts/*/targets.mk backend_django/*/targets.mk

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start everything: page, worker and schedule (PORT=8080 make run)
	@$(bootstrap_run) --before run && exec $(VENV) -m scripts.stack run

dev: ## The same, and every change of a source file shows at once
	@$(bootstrap_run) --before dev && exec $(VENV) -m scripts.stack dev

demo: ## The main job without a browser (FILE=path for a file of yours)
	@$(bootstrap_run) && exec $(VENV) -m scripts.stack demo $(if $(FILE),"$(FILE)")

manage: ## Run manage.py with the servers up: make manage ARGS="shell"
	@$(bootstrap_run) --no-page && exec $(VENV) -m scripts.stack manage $(ARGS)

backup: ## Write database and files into one archive (FILE=name.tar for a name of yours)
	@$(bootstrap_run) --no-page && exec $(VENV) -m scripts.stack manage backup $(if $(FILE),"$(FILE)")

restore: ## Restore FILE=archive.tar into an empty instance (REPLACE=1: remove what is there)
	@$(if $(FILE),,echo "Say what to restore: make restore FILE=backups/name.tar" >&2; exit 2)
	@$(bootstrap_run) --no-page && exec $(VENV) -m scripts.stack restore "$(FILE)" \
		$(if $(REPLACE),--replace)

test: ## Check everything: rules, types, tests, page and its budget (ARGS go to pytest)
	@$(bootstrap) && exec $(VENV) -m scripts.checks all -- $(ARGS)

test-fast: ## The inner loop: no browser, no whole stack (ARGS go to pytest)
	@$(bootstrap) && exec $(VENV) -m scripts.checks fast -- $(ARGS)

test-matrix: ## The longer half: more inputs, looks and proofs that rarely fail (ARGS go to pytest)
	@$(bootstrap) && exec $(VENV) -m scripts.checks matrix -- $(ARGS)

fuzz: ## Ask the product what its document forbids, at length (FUZZ_SEED=7 for the same again)
	@$(bootstrap) --no-page
	@FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} && echo "seed $$FUZZ_SEED" && \
		FUZZ_SEED=$$FUZZ_SEED FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-35} FUZZ_AT_LEAST=$${FUZZ_AT_LEAST:-4000} \
		exec $(VENV) -m pytest tests/api/test_fuzz.py tests/security/test_routes.py $(ARGS)

audit: ## Ask the registries about known weaknesses of what is installed
	@$(bootstrap) && exec $(VENV) -m scripts.audit

image: ## Build the one image that everything runs from (needs Docker)
	docker build --file docker/production/django/Dockerfile --tag app \
		--build-arg APP_COMMIT="$$(git rev-parse HEAD)" .

# Without its tests the image is proved by being built.
image-test: $(if $(wildcard tests/image)$(IMAGE_UNDER_TEST),,image) ## Build and run the image and production.yml; skips with the reason without Docker
	@$(if $(wildcard tests/image),$(bootstrap) && exec $(VENV) -m pytest -m image tests/image $(ARGS))

lint: ## Check the rules of style, layers and types
	@$(bootstrap) && exec $(VENV) -m scripts.checks lint

types: ## Check the types, of Python and of the page
	@$(bootstrap) && exec $(VENV) -m scripts.checks types

format: ## Put all sources into their one format
	@$(bootstrap)
	@$(VENV) -m ruff check --fix --quiet . ; $(VENV) -m ruff format . && $(NPM) run format

docs: ## Write docs/settings.md, and build docs/ as a site in docs/_build
	@$(bootstrap) --no-page && $(VENV) -m scripts.settings_reference
	@$(VENV) -m sphinx --fail-on-warning --nitpicky --quiet docs docs/_build && echo docs/_build/index.html

schema: ## Write the OpenAPI document and the page's types from it
	@$(bootstrap) --no-build && exec $(VENV) -m scripts.schema

messages: ## Collect the server's messages for translation, and compile the translations
	@$(bootstrap) --no-page && exec $(VENV) -m scripts.messages

lock: ## Resolve requirements/*.in again (UPGRADE=1 for newer releases)
	@$(bootstrap) --no-tests --no-page && exec $(VENV) -m scripts.lock $(if $(UPGRADE),--upgrade)

upgrade-deps: ## Take newer releases of all packages, then check everything
	@$(bootstrap) --no-page && $(VENV) -m scripts.lock --upgrade
	@$(bootstrap) && $(NPM) update --save && $(bootstrap) && exec $(VENV) -m scripts.checks all

release: ## Version, changelog and tag of a release: make release VERSION=1.2.0
	@$(bootstrap) --no-page && exec $(VENV) -m scripts.release "$${VERSION}"

update: ## Bring the template's last release into this project (TO=tag, FROM=its new address)
	@$(if $(shell command -v "$(PYTHON)"),"$(PYTHON)",$(no_python)) -m scripts.template update \
		$(call given,TO,to) $(call given,FROM,from)

drop: ## Remove modules and all that was there for them: make drop MODULES=name
	@$(if $(shell command -v "$(PYTHON)"),"$(PYTHON)",$(no_python)) -m scripts.template drop \
		$(call given,MODULES,modules) $(call given,FROM,from)

clean: ## Remove what was built and installed; your data and .env stay
	rm -rf .venv .cache frontend_vue/node_modules frontend_vue/dist backend_django/staticfiles
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## Remove the development database, queue and files below .data
	@$(bootstrap) --no-tests --no-page && exec $(VENV) -m scripts.stack clean-data
