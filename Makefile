# The two commands: `make up` and `make test`. Everything else serves them; `make help` lists it.
SHELL := /bin/bash
BUILD := build/release
SLIPWAY := $(BUILD)/slipway
DATA ?= /var/lib/slipway
KUBECONFIG_FILE := $(DATA)/kubeconfig
IMAGES := build/images
JOBS ?= $(shell nproc)
KUBECTL = $(shell command -v kubectl)
export CCACHE_DIR ?= $(CURDIR)/.cache/ccache

.PHONY: help up down deps build web images test bench services bench-services kubeconfig sbom format clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

up: deps build images ## installs what is missing, builds, starts the platform with the services on it
	@tools/up $(SLIPWAY) $(IMAGES) $(DATA)

down: ## stops the platform; nothing stays running, mounted or routed (data is kept)
	@if [ -x $(SLIPWAY) ]; then $(SLIPWAY) down --data-dir $(DATA); else echo "nothing is built, so nothing runs"; fi

deps: ## the Debian packages that building, running and testing need
	@tools/deps

web: deps ## the pages of the storefront and of insights, into build/web
	@tools/web

build: deps web ## the release build
	@cmake --preset release >build/cmake.log 2>&1 || { cat build/cmake.log; exit 1; }
	@cmake --build --preset release -j $(JOBS) --target slipway $$(tools/services --list)

images: build ## the container images, made from Debian's packages and our own build
	@tools/images $(BUILD) $(IMAGES)

test: deps build images ## unit tests, simulation, and tests on a live platform of their own
	@cmake --build --preset release -j $(JOBS) --target tests
	@tools/old-kubectl build/kubectl-debian >/dev/null 2>&1 || echo "Debian's kubernetes-client cannot be had: the live tests use the kubectl on PATH alone"
	@cd tests/browser && npm install --no-package-lock --no-audit --no-fund --silent || echo "playwright-core cannot be had: the browser test will say that it is skipped"
	@ctest --preset release

bench: deps build images ## measures what README claims, beside the marks of Kubernetes and others
	@cmake --build --preset release -j $(JOBS) --target load api
	@bench/run $(BUILD) $(IMAGES)

services: deps ## runs every service of the automotive platform as a plain process on 127.0.0.1, until Ctrl-C
	@mkdir -p build && cmake --preset release >build/cmake.log 2>&1 || { cat build/cmake.log; exit 1; }
	@cmake --build --preset release -j $(JOBS) --target $$(tools/services --list)
	@tools/web
	@tools/services --build $(BUILD) $(SERVICES)

bench-services: deps ## measures the services beside nginx, pgbench, redis-benchmark, FastAPI and Flask in the same run
	@mkdir -p build && cmake --preset release >build/cmake.log 2>&1 || { cat build/cmake.log; exit 1; }
	@cmake --build --preset release -j $(JOBS) --target load vehicles
	@bench/services $(BUILD)

kubeconfig: ## prints the kubeconfig's path (make -s kubeconfig)
	@echo $(KUBECONFIG_FILE)

sbom: ## what each program and image is made of, as CycloneDX 1.5 in build/sbom
	@tools/sbom $(BUILD) $(IMAGES) build/sbom

format: ## clang-format over all that is ours
	@git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean: ## removes what was built
	@rm -rf build
