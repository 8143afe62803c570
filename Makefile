# `make help` lists the targets; each makes .venv when it needs it.
STACK ?= dev
REGION ?= us-east-1
BASE ?= origin/main
FORMAT ?= text
PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement
LOCKED = requirements requirements-report requirements-test requirements-dev requirements-e2e requirements-aws requirements-cluster requirements-scan requirements-supply policy/requirements
# The yarn release that portal/package.json names, with the hash there, whatever is on PATH.
YARN_JS = .local/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js
YARN = node ../$(YARN_JS)
# Go programs, in the versions of tools/supply/tools.txt; Go checks them against its checksum database.
GO_BIN = .local/bin
GO_PATH = PATH="$(CURDIR)/$(GO_BIN):$$PATH"
SYFT = SYFT_CHECK_FOR_APP_UPDATE=false $(GO_BIN)/syft scan --quiet --output cyclonedx-json@1.6=build/sbom
CYCLONEDX = .local/supply/bin/cyclonedx-py requirements --sv 1.6 --of JSON --output-reproducible -o build/sbom
SBOMS = build/sbom/program.json build/sbom/policy.json build/sbom/portal.json
EVALUATOR = tests/deployer/evaluator
# A value as one word of the shell, and an option that is left out where its variable is empty.
quoted = '$(subst ','\'',$(1))'
option = $(if $($(2)),$(1)=$(call quoted,$($(2))))

# Make ignores a variable that nothing reads: `make preview stack=prod` would preview dev.
VARIABLES = ACCOUNT ASSUME BASE COMMIT FORMAT IMAGE INSTANCE_CLASS IN_CLUSTER KEY LIMIT POLICY_CONFIG PYTHON REGION REPOSITORY SECRETS_KEY SOURCE STACK STATE_BUCKET SUBJECT UPGRADE URL
given = $(foreach each,$(subst \ ,_,$(MAKEOVERRIDES)),$(firstword $(subst =, ,$(subst :=,=,$(each)))))
meant = $(filter $(VARIABLES),$(shell echo $(call quoted,$(1)) | tr a-z- A-Z_))
$(foreach each,$(filter-out $(VARIABLES),$(given)),$(if $(call meant,$(each)),$(error $(each) is no variable of this Makefile; did you mean $(call meant,$(each))=$($(each))?)))

# Make runs one target after another: `make preview local` would preview dev, then deploy local.
of_a_stack = $(filter preview diff report cost deployer doctor smoke bench,$(MAKECMDGOALS))
stacks = $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml))
$(if $(of_a_stack),$(foreach each,$(filter $(stacks),$(MAKECMDGOALS)),$(error $(each) is no target; did you mean STACK=$(each)?)))

# Said before minutes of building what the target calls.
needs = $(if $(filter $(1),$(MAKECMDGOALS)),$(if $($(2)),,$(error $(MAKECMDGOALS) needs $(2)=$(3))))
$(call needs,sign verify,IMAGE,REPOSITORY@sha256:DIGEST)
$(call needs,image-sbom,SOURCE,docker:NAME:TAG)

# An installation that fails leaves its stamp, or yarn's state, in place otherwise.
.DELETE_ON_ERROR:

.PHONY: help preview doctor smoke diff report replacements test lint types lock scan schema cost prices bench e2e bench-image test-cluster test-alb reliability test-crds deployer test-deployer sbom image-sbom audit sign verify chart actionlint test-supply test-engine test-aws engine local portal-dev portal-check clean

# The targets that users need: those below a line of `###`, with the first sentence of their comment.
help:
	@echo "make TARGET [VARIABLE=VALUE ...]; unless given: STACK=$(STACK) BASE=$(BASE) REGION=$(REGION)"
	@awk '/^###/ { group = substr($$0, 5); if (group) print "\n" group } \
		/^# / && group { said = said (said ? " " : "") substr($$0, 3) } \
		/^[a-z-]+:/ && said { sub(/\.( .*)?$$/, "", said); sub(/:.*/, "", $$1); printf "  %-13s %s\n", $$1, said } \
		!/^# / { said = "" }' $(firstword $(MAKEFILE_LIST))

### Plan, without an account, a cluster or the Pulumi CLI

# What `pulumi up` would create, the price, and the policy's verdict, which decides the exit code.
# POLICY_CONFIG=FILE sets levels of rules.
preview: .venv/installed
	@$(BIN)/python -m tools.preview $(call quoted,$(STACK)) $(call option,--policy-pack-config,POLICY_CONFIG)

# What the working tree changes in a stack, compared with the commit BASE. FORMAT=markdown prints it as
# a comment for a pull request, of at most LIMIT characters.
diff: .venv/installed
	@$(BIN)/python -m tools.diff $(call quoted,$(STACK)) $(call option,--base,BASE) $(call option,--format,FORMAT) $(call option,--limit,LIMIT)

# The plan of a stack as one HTML page: build/report/STACK.html.
report: .venv/report
	@$(BIN)/python -m tools.report $(call quoted,$(STACK))

# The monthly price of the plan from dated list prices. ASSUME='lcu=1 acu=2' changes what it assumes.
cost: .venv/installed
	@$(BIN)/python -m tools.preview $(call quoted,$(STACK)) --price $(foreach each,$(ASSUME),--assume=$(call quoted,$(each)))

# Renews a REGION of tools/cost/prices.yaml from AWS's public price list; needs no credentials.
# INSTANCE_CLASS=db.r8g.xlarge adds a class of the database's instances.
prices: .venv/installed
	@$(BIN)/python -m tools.cost.renew $(call quoted,$(REGION)) $(foreach each,$(INSTANCE_CLASS),$(call quoted,$(each)))

# The rights of whoever deploys a stack, in deployer/STACK: docs/deployer.md. What these variables name
# is kept there in given.json; `none` for a bucket or a key that the state doesn't have.
deployer: .venv/installed
	@$(BIN)/python -m tools.deployer $(call quoted,$(STACK)) $(call option,--account,ACCOUNT) \
		$(call option,--state-bucket,STATE_BUCKET) $(call option,--secrets-key,SECRETS_KEY) \
		$(call option,--repository,REPOSITORY) $(call option,--subject,SUBJECT)

### Deploy

# What a stack lacks before `pulumi up`: tools, rights, and what it expects of AWS and the cluster.
doctor: .venv/installed
	@$(BIN)/python -m tools.doctor $(call quoted,$(STACK))

# Asks a deployed portal as its users do; needs Node, or with IN_CLUSTER=1 runs as a Job. URL=https://...
# replaces the stack's output, and SMOKE_TOKEN in the environment has a machine's token.
smoke: .venv/installed
	@$(BIN)/python -m tools.smoke $(call quoted,$(STACK)) $(call option,--url,URL) $(if $(IN_CLUSTER),--in-cluster)

# Installs the Pulumi CLI into .local/engine, for `make local`, `make test-engine` and `make test-aws`.
engine: .venv/installed
	@$(BIN)/python -m tools.local --install-engine

# Runs the portal on the cluster that kubectl points at, with Postgres in it.
local: .venv/installed
	@$(BIN)/python -m tools.local

### Portal

# Serves the app on http://localhost:3000, with guest sign-in and a database in memory.
portal-dev: portal/node_modules/.yarn-state.yml
	@cd portal && $(YARN) start

# Compiler, linters and tests of the app, and Backstage's configuration loader beside this program's.
# CI=true, or the tests watch the app's files.
portal-check: .venv/test portal/node_modules/.yarn-state.yml
	@cd portal && $(YARN) tsc && $(YARN) lint && $(YARN) prettier:check && CI=true $(YARN) test
	@$(BIN)/pytest -m portal tests/settings

### Supply chain: docs/supply-chain.md

# CycloneDX SBOMs of the program, its policy pack and the portal, in build/sbom. Each is valid, and complete
# for its lock file.
sbom: .venv/installed .local/supply/installed $(GO_BIN)/syft
	@mkdir -p build/sbom
	@$(CYCLONEDX)/program.json requirements.txt
	@$(CYCLONEDX)/policy.json policy/requirements.txt
	@$(SYFT)/portal.json --source-name portal --source-version "$$(git rev-parse HEAD)" file:portal/yarn.lock
	@.local/supply/bin/python -m tools.supply.schema $(SBOMS)
	@$(BIN)/python -m tools.supply complete build/sbom/program.json requirements.txt
	@$(BIN)/python -m tools.supply complete build/sbom/policy.json policy/requirements.txt
	@$(BIN)/python -m tools.supply complete build/sbom/portal.json portal/yarn.lock

# The SBOM of an image, as syft names it: SOURCE=docker:NAME:TAG, oci-dir:FOLDER, registry:NAME@DIGEST.
image-sbom: .local/supply/installed $(GO_BIN)/syft
	@mkdir -p build/sbom
	@$(SYFT)/image.json "$(SOURCE)"
	@.local/supply/bin/python -m tools.supply.schema build/sbom/image.json

# Known vulnerabilities in SBOMs, beside tools/supply/exceptions.yaml.
audit: .venv/installed $(GO_BIN)/grype
	@$(GO_PATH) $(BIN)/python -m tools.supply audit $(SBOMS)

# Signs IMAGE=REPOSITORY@DIGEST and attests its SBOM and provenance. With the identity of the job of GitHub
# Actions that it runs in, or with KEY=awskms:///alias/NAME.
sign: .venv/installed $(GO_BIN)/cosign
	@$(GO_PATH) $(BIN)/python -m tools.supply sign --sbom build/sbom/image.json --key "$$KEY" "$$IMAGE"

# Fails unless the delivery workflow of REPOSITORY=OWNER/REPO, or KEY, has signed IMAGE and both attestations.
# With COMMIT only if it built that commit.
verify: .venv/installed $(GO_BIN)/cosign
	@$(GO_PATH) $(BIN)/python -m tools.supply verify --repository "$$REPOSITORY" --commit "$$COMMIT" --key "$$KEY" "$$IMAGE"

### Contribute: CONTRIBUTING.md has the other checks

# Every test that needs nothing but Python.
test: .venv/test
	@$(BIN)/pytest -n auto --dist worksteal

# ruff, yamllint and zizmor.
lint: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/yamllint --strict .
	@$(BIN)/zizmor --offline --quiet --persona=auditor .github

# mypy, strict.
types: .venv/dev
	@$(BIN)/mypy

# stack.schema.json, with which editors complete and check the keys of a stack file.
schema: .venv/installed
	@$(BIN)/python -m tools.schema

# requirements*.txt from requirements*.in, and the packages of TechDocs in image/*.Dockerfile. In the order
# in which they include one another; UPGRADE=--upgrade also moves what the .in files don't name.
lock: .venv/dev
	@for file in $(LOCKED); do $(BIN)/uv pip compile --quiet $(UPGRADE) --output-file=$$file.txt $$file.in || exit; done
	@$(BIN)/python -m tools.supply.techdocs

# Deletes .venv, build and caches.
clean:
	rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache

###

# What scanners find in the previews beside docs/decisions/0008.
scan: .venv/test .local/scan/installed $(GO_BIN)/kube-score
	@$(GO_PATH) $(BIN)/pytest -m scan -rs tests/scan

# Renews tools/diff/comparison/replacements.yaml from the providers' schemas. Needs the Pulumi CLI and
# the plugins.
replacements: .venv/installed
	@PATH="$(CURDIR)/.local/engine/bin:$$PATH" $(BIN)/python -m tools.diff.comparison.renew

# Wall time and memory of the offline preview against the bare import of the SDK modules it needs.
bench: .venv/installed
	@$(BIN)/python -m tools.bench $(call quoted,$(STACK))

# The image that the program builds, run as its manifests say, against PostgreSQL and in a browser.
# NODE_IMAGE=... replaces the pinned base image.
e2e: .venv/e2e
	@$(BIN)/pytest -m e2e -s tests/e2e

# Injects faults into a portal under load on the cluster of KUBECONFIG. PORTAL_IMAGE and
# PORTAL_NEXT_IMAGE override its images, backstage-portal:local and :next.
test-cluster: .venv/cluster
	@$(BIN)/pytest -m cluster -rs tests/cluster

# The stand-in for an Application Load Balancer; with KUBECONFIG also the same faults behind it. Needs
# the AWS Load Balancer Controller: its executable in AWS_LOAD_BALANCER_CONTROLLER and its CRDs in
# AWS_LOAD_BALANCER_CONTROLLER_CRDS, or its chart in kube-system.
test-alb: .venv/cluster
	@$(BIN)/pytest -m alb -rs tests/alb

# Tables and the plot of docs/reliability.md from what those two measured.
reliability: .venv/cluster
	@$(BIN)/python -m tools.reliability.report

# The previews' custom resources against the CRDs of External Secrets, the Secrets Store CSI driver
# and prometheus-operator, as YAML in the folder CRDS.
test-crds: .venv/test
	@$(BIN)/pytest -m crds -rs tests/stacks

# Recorded calls of AWS's API against the policies in deployer/, by an evaluator of its own; needs Node.
test-deployer: .venv/test $(EVALUATOR)/node_modules/.package-lock.json
	@$(BIN)/pytest -m deployer -rs tests/deployer

# The load balancer controller's chart in .local/charts, if it is the one in settings/versions.py.
chart: .venv/installed
	@$(BIN)/python -m tools.supply.chart .local/charts/aws-load-balancer-controller.tgz

# The workflows' syntax, expressions and shell; `make lint` has zizmor for their security.
actionlint: $(GO_BIN)/actionlint
	@$(GO_BIN)/actionlint -shellcheck= -pyflakes=

# cosign itself against a registry on this machine.
test-supply: .venv/test $(GO_BIN)/cosign $(GO_BIN)/crane
	@$(GO_PATH) $(BIN)/pytest -m supply -rs tests/tools/supply

# The program and the policy pack on the real engine with doubles for every provider; needs the Pulumi CLI. With its
# Kubernetes plugin and KUBECONFIG also the local stack on that cluster.
test-engine: .venv/test policy/.venv/installed
	@PATH="$(CURDIR)/.local/engine/bin:$$PATH" $(BIN)/pytest -m engine tests/engine

# Every stack file of the target eks on the real engine and the real AWS provider, with moto as AWS.
# Needs the Pulumi CLI and the plugin: `pulumi plugin install resource aws`. Where PULUMI_DEBUG_PROVIDERS
# names aws, that provider, and AWS_ENDPOINT_URL the moto server that it calls, which the tests empty.
# AWS_CALLS=DIR writes the provider's calls of AWS's API, a line of JSON each.
test-aws: .venv/aws
	@PATH="$(CURDIR)/.local/engine/bin:$$PATH" $(BIN)/pytest -m aws -n auto --dist loadscope -rs tests/aws

# The program's image beside the one of a freshly scaffolded app: size, build times, start, memory.
bench-image: .venv/e2e
	@$(BIN)/python -m tools.bench_image

.venv/installed: requirements.txt
	@echo "installing requirements.txt into .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; make PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) $<
	@touch $@

.venv/report .venv/test .venv/dev .venv/e2e .venv/aws .venv/cluster: .venv/%: requirements-%.txt .venv/installed
	@$(PIP) $<
	@touch $@

# As `pulumi install` does in policy/.
policy/.venv/installed: policy/requirements.txt
	@$(PYTHON) -m venv policy/.venv
	@policy/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.local/scan/installed .local/supply/installed: .local/%/installed: requirements-%.txt
	@$(PYTHON) -m venv .local/$*
	@.local/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

$(GO_BIN)/%: tools/supply/tools.txt
	@echo "installing $* into $(GO_BIN)"
	@GOBIN="$(CURDIR)/$(GO_BIN)" go install "$$(sed -n 's/^$* //p' $<)"
	@touch $@

$(EVALUATOR)/node_modules/.package-lock.json: $(EVALUATOR)/package-lock.json
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $(EVALUATOR)
	@touch $@

$(YARN_JS): portal/package.json
	@set -e; spec=$$(node -p 'require("./$<").packageManager'); release=$${spec#yarn@}; \
		npm install --silent --no-audit --no-fund --prefix .local/yarn "@yarnpkg/cli-dist@$${release%+*}"; \
		echo "$${spec#*+sha512.}  $@" | $$(command -v sha512sum || echo shasum -a 512) --check >/dev/null \
		|| { echo "yarn isn't the one whose hash portal/package.json has" >&2; rm -rf .local/yarn; exit 1; }
	@touch $@

portal/node_modules/.yarn-state.yml: $(YARN_JS) portal/package.json portal/yarn.lock portal/packages/app/package.json portal/packages/backend/package.json $(wildcard portal/plugins/*/package.json)
	@node -e 'const [major] = process.versions.node.split("."); if (![22, 24].includes(+major)) { console.error("Node 22 or 24 is needed, this is " + process.version); process.exit(1) }'
	@cd portal && $(YARN) install --immutable
	@touch $@
