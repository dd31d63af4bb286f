# Every command of this project. Requires only make, git, and Python 3.11 or newer with venv; `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Number of test processes. Three keep two cores busy, since some tests wait; `make test WORKERS=6` is faster on a larger machine.
WORKERS ?= 3
# Seed of the random test order. The default is fixed, so that failures can be reproduced; `make test SEED=2` uses another order.
SEED ?= 1
# PYTHONDONTWRITEBYTECODE is unset so that pytest caches the tests with rewritten asserts: rewriting takes each process six seconds.
PYTEST := env PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -q -n $(WORKERS) --dist worksteal --randomly-seed=$(SEED)
# The virtual environment of `make test-next`.
NEXT := var/next
NEXT_PYTHON ?= python3
DEV := DJANGO_SETTINGS_MODULE=aijuu_site.settings.dev
# Python code that prints HOST:PORT as the settings read them.
ADDRESS := from aijuu_site.settings.production import HOST, PORT; print(f"[{HOST}]:{PORT}" if ":" in HOST else f"{HOST}:{PORT}")
TEST := DJANGO_SETTINGS_MODULE=aijuu_site.settings.test
# Copies of the installed requirements files. If one differs from the current file, the packages are installed again.
RUN_STAMP := $(VENV)/installed-requirements.txt
DEV_STAMP := $(VENV)/installed-requirements-dev.txt
AUDIT_STAMP := $(VENV)/installed-requirements-audit.txt
BROWSERS_STAMP := $(VENV)/installed-requirements-browsers.txt
# The scanner's packages conflict with the site's, so it has its own environment.
SCANNER := $(VENV)/scanner
SCANNER_STAMP := $(SCANNER)/installed-requirements-scanner.txt
PIP := $(PY) -m pip --disable-pip-version-check -qq install --require-hashes

.PHONY: help run dev test tests check bench chaos format catalogues screenshots guide-pictures browsers audit structure sbom vulnerabilities test-next try release lock environment dev-environment audit-environment browsers-environment scanner-environment browser
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)$$/  make \1	\2/' | expand -t 20

run: environment ## Start the site as it runs for real: site, mail worker, SQLite under var/ (PORT, DATA_DIR, .env)
	@exec $(PY) manage.py serve

dev: dev-environment ## Start the site for working on it: reload on every change, debug toolbar
	@$(DEV) $(PY) manage.py prepare
	@echo "Mail is only queued here; to send it, in another terminal: $(DEV) $(PY) manage.py work"
	@exec env $(DEV) $(PY) manage.py runserver "$$($(PY) -c '$(ADDRESS)')"

test: check tests ## Run everything: the checks, the tests on SQLite and on PostgreSQL, and in a real browser
	@echo "make test: all of it passed."

tests: browser # As `test`, without the checks.
	@echo "== Tests on SQLite"
	@$(PYTEST) --statements=record tests --ignore tests/browser
	@echo "== Tests on PostgreSQL"
	@$(PY) -m tests.tools.postgres $(PYTEST) --statements=cover tests --ignore tests/browser
	@echo "== Tests in a browser"
	@$(PYTEST) tests/browser

check: dev-environment ## Quick checks: lint, format, templates, types, import rules, migrations, catalogues
	@failed=; $(PY) -m mypy --no-error-summary & types=$$!; \
	$(PY) -m ruff check --quiet --output-format concise . || failed="$$failed lint"; \
	$(PY) -m ruff format --check --quiet --output-format concise . || failed="$$failed format(make-format-mends-it)"; \
	$(PY) -m djlint templates --lint --quiet || failed="$$failed templates"; \
	$(PY) -m tests.tools.catalogues check || failed="$$failed catalogues"; \
	said=$$($(VENV)/bin/lint-imports --no-cache) || { echo "$$said"; failed="$$failed imports"; }; \
	$(TEST) $(PY) manage.py makemigrations --check --dry-run >/dev/null || failed="$$failed migrations"; \
	$(PY) -m tests.tools.release || failed="$$failed migrations-since-the-last-release"; \
	wait $$types || failed="$$failed types"; \
	if [ -n "$$failed" ]; then echo "make check: failed:$$failed"; exit 1; fi; \
	echo "make check: all well."

format: dev-environment ## Put the code into its format and mend what lint can mend
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

catalogues: dev-environment ## Add new texts to the Finnish catalogues and compile them
	@$(PY) -m tests.tools.catalogues update
	@$(PY) -m tests.tools.catalogues compile

bench: dev-environment ## Measure speed and memory beside nginx and a fresh Wagtail site (needs wrk and nginx)
	@missed=0; $(PY) -m pytest -q -p no:randomly $$(find tests -name 'bench_*.py') || missed=1; \
	$(PY) -m tests.tools.bench || missed=1; exit $$missed

chaos: dev-environment ## Kill, stop, lock and fill the running site under load, let its clock jump, on both databases, and count each letter (15 minutes)
	@$(PY) -m tests.tools.chaos

audit: audit-environment scanner-environment browser ## Measure the site as `make run` serves it, and attack it: Lighthouse, HTML, accessibility, bytes, Wapiti (30 minutes)
	@$(PY) -m tests.tools.audit

structure: dev-environment ## Print the size of the product, and the files that a contact form's post and a mail pass through
	@$(TEST) $(PY) -m tests.tools.structure

sbom: dev-environment ## Write the packages of the site as a CycloneDX bill of materials: var/sbom.json
	@$(PY) -m tests.tools.sbom

vulnerabilities: dev-environment ## Ask the public database of vulnerabilities (osv.dev) about every locked package
	@$(VENV)/bin/uv tool run pip-audit --requirement requirements.txt --require-hashes --disable-pip --vulnerability-service osv

test-next: dev-environment ## Run the tests with the newest Wagtail and Django (NEXT_PYTHON=python3.13 for those that need it)
	@rm -rf $(NEXT) && $(NEXT_PYTHON) -m venv $(NEXT)
	@printf 'django>=5.2\nwagtail>=7.4\n' > $(NEXT)/unbounded.txt
	@$(VENV)/bin/uv pip install --quiet --python $(NEXT)/bin/python --requirement pyproject.toml --group dev --override $(NEXT)/unbounded.txt
	@$(VENV)/bin/uv pip freeze --python $(NEXT)/bin/python | grep -iE '^(django|wagtail)=='
	@$(NEXT)/bin/python -m pytest -q -n $(WORKERS) --dist worksteal --randomly-seed=$(SEED) -m "not browser and not once"

release: dev-environment ## Give what is unreleased a version, commit and tag it (make release VERSION=1.2.0)
	@test -n "$(VERSION)" || { echo "Which one? make release VERSION=1.2.0"; exit 2; }
	@$(PY) -m tests.tools.release "$(VERSION)"

try: ## Prove deploy/install.sh in a fresh Debian tree (as root; debootstrap and systemd-container; 15 minutes)
	@deploy/try.sh

screenshots: browser ## Picture every page and state in every size and both schemes: var/screenshots/index.html; the mails: var/mails/
	@ALL_SCREENSHOTS=1 $(PYTEST) -m browser tests/browser/test_every_view.py tests/browser/test_mails.py

browsers: browsers-environment ## Go through the site in Firefox and WebKitGTK, with pictures in var/browsers/ (10 minutes)
	@$(PY) -m pytest -q tests/tools/browsers/walk.py

guide-pictures: browser ## Take the pictures of the editor's guide anew (docs/opas/), after a change of the admin's look
	@$(PY) -m tests.tools.guide_pictures

lock: dev-environment ## Choose and lock the newest allowed versions of all packages
	@$(VENV)/bin/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --quiet --output-file requirements.txt
	@$(VENV)/bin/uv pip compile pyproject.toml --upgrade --group dev --constraint requirements.txt --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --output-file requirements-dev.txt
	@$(VENV)/bin/uv pip compile --group pyproject.toml:audit --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --output-file requirements-audit.txt
	@$(VENV)/bin/uv pip compile --group pyproject.toml:browsers --upgrade --constraint requirements-dev.txt --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --output-file requirements-browsers.txt
	@$(VENV)/bin/uv pip compile --group pyproject.toml:scanner --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --output-file requirements-scanner.txt
	@$(MAKE) --no-print-directory audit-environment
	@$(PY) -m tests.tools.audit.programs

environment: # Install the site's packages. A development environment contains them, too.
	@cmp -s requirements.txt $(RUN_STAMP) && $(PY) -c "" 2>/dev/null || $(MAKE) --no-print-directory $(VENV)/run

dev-environment: # Install the packages for development, too.
	@cmp -s requirements-dev.txt $(DEV_STAMP) && $(PY) -c "" 2>/dev/null || $(MAKE) --no-print-directory $(VENV)/dev

audit-environment: dev-environment # Install the audit's programs, too.
	@cmp -s requirements-audit.txt $(AUDIT_STAMP) && $(PY) -c "" 2>/dev/null || \
		$(MAKE) --no-print-directory $(VENV)/audit-programs

browsers-environment: dev-environment # Install the drivers of other browsers, too.
	@cmp -s requirements-browsers.txt $(BROWSERS_STAMP) && $(PY) -c "" 2>/dev/null || \
		$(MAKE) --no-print-directory $(VENV)/browser-drivers

scanner-environment: dev-environment # Install the scanner in its own environment.
	@cmp -s requirements-scanner.txt $(SCANNER_STAMP) && $(SCANNER)/bin/python -c "" 2>/dev/null || \
		$(MAKE) --no-print-directory $(SCANNER)/made

.PHONY: $(VENV)/run $(VENV)/dev $(VENV)/audit-programs $(VENV)/browser-drivers $(SCANNER)/made $(VENV)/made
$(VENV)/run: $(VENV)/made
	@echo "Installing the site's packages into $(VENV)/ (a minute the first time) …"
	@rm -f $(RUN_STAMP) $(DEV_STAMP)
	@$(PIP) -r requirements.txt
	@cp requirements.txt $(RUN_STAMP)

$(VENV)/dev: $(VENV)/made
	@echo "Installing the packages for working on the site into $(VENV)/ (some minutes the first time) …"
	@rm -f $(RUN_STAMP) $(DEV_STAMP)
	@$(PIP) -r requirements-dev.txt
	@cp requirements.txt $(RUN_STAMP)
	@cp requirements-dev.txt $(DEV_STAMP)

$(VENV)/audit-programs: $(VENV)/made
	@echo "Installing Node and Java for the audit into $(VENV)/ …"
	@rm -f $(AUDIT_STAMP)
	@$(PIP) -r requirements-audit.txt
	@cp requirements-audit.txt $(AUDIT_STAMP)

$(VENV)/browser-drivers:
	@echo "Installing Selenium and Firefox's driver into $(VENV)/ …"
	@rm -f $(BROWSERS_STAMP)
	@$(PIP) -r requirements-browsers.txt
	@cp requirements-browsers.txt $(BROWSERS_STAMP)

$(SCANNER)/made:
	@echo "Installing the scanner into $(SCANNER)/ …"
	@$(PY) -m venv --clear $(SCANNER)
	@$(SCANNER)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements-scanner.txt
	@cp requirements-scanner.txt $(SCANNER_STAMP)

$(VENV)/made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); the site needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make $(VENV)/. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

browser: dev-environment # Find Chromium for the browser tests, install it (Debian, as root), or say how to install it.
	@$(PY) -m tests.tools.chromium
