# The targets that outsiders rely on; the work is done by CMake, ctest, pytest and the scripts in tools/.
BUILD := $(CURDIR)/build
PYTHON := $(BUILD)/venv/bin/python
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export HEADRACE_ORACLE_PYTHON ?= $(BUILD)/oracle/bin/python
export HEADRACE_TAXI_DATA ?= $(abspath $(CURDIR)/../shared/data/taxi)

.PHONY: build test install uninstall quickstart bench bench-ops format lint sanitize fuzz coverage check clean

build:
	tools/install_dependencies.sh build
	[ -e $(BUILD)/build.ninja ] || cmake --preset release -DHEADRACE_BUILD_TESTS=OFF
	cmake --build $(BUILD) -j $(JOBS) --target headrace_executable headrace_python

test:
	tools/install_dependencies.sh test
	cmake --preset release -DHEADRACE_BUILD_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS)
	$(PYTHON) tools/run_tests.py --build $(BUILD)

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)
	tools/install_dependencies.sh environment $(PREFIX)/lib/headrace/venv $(PREFIX)/lib/headrace/python

uninstall:
	[ ! -e $(BUILD)/install_manifest.txt ] || xargs -d '\n' rm -f <$(BUILD)/install_manifest.txt
	rm -rf $(PREFIX)/lib/headrace $(PREFIX)/libexec/headrace $(PREFIX)/include/headrace $(PREFIX)/lib/cmake/Headrace

quickstart:
	tools/quickstart.sh

bench: build
	tools/install_dependencies.sh test
	$(PYTHON) tools/bench.py

bench-ops: build
	tools/install_dependencies.sh test
	$(PYTHON) tools/bench.py --ops

format:
	git ls-files '*.h' '*.cc' | xargs clang-format-14 -i
	$(BUILD)/venv/bin/ruff format python tests tools examples bench

lint:
	tools/install_dependencies.sh develop
	[ -e $(BUILD)/compile_commands.json ] || cmake --preset release -DHEADRACE_BUILD_TESTS=OFF
	cmake --build $(BUILD) -j $(JOBS) --target generate_ops headrace_protos
	git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror
	git ls-files 'src/*.cc' 'python/src/*.cc' | xargs -P $(JOBS) -n 4 clang-tidy-14 -p $(BUILD) --quiet
	$(BUILD)/venv/bin/ruff check python tests tools examples bench

sanitize:
	tools/install_dependencies.sh test
	for kind in asan tsan; do \
	  cmake --preset $$kind -DHEADRACE_BUILD_PYTHON=OFF && cmake --build build-$$kind -j $(JOBS) && \
	  ctest --test-dir build-$$kind --output-on-failure -j $(JOBS) || exit 1; \
	done

fuzz:
	tools/install_dependencies.sh develop
	cmake --preset fuzz
	cmake --build build-fuzz -j $(JOBS) --target fuzzers
	tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

# Which lines the tests reach: build-coverage/cpp.txt (and .html), build-coverage/python.txt.
coverage:
	tools/install_dependencies.sh test
	$(PYTHON) -m venv build-coverage/tools && build-coverage/tools/bin/pip install -q -r tools/requirements/coverage.txt
	HEADRACE_PYTHON=$(PYTHON) cmake --preset coverage
	cmake --build build-coverage -j $(JOBS)
	tools/coverage.sh build-coverage

# All that takes longer than the tests, to its end: every part runs, and the first that failed is the exit code.
check:
	failed=0; for part in lint test sanitize fuzz; do \
	  echo "== make $$part"; $(MAKE) $$part || { echo "== make $$part FAILED"; failed=1; }; \
	done; exit $$failed

clean:
	rm -rf $(BUILD) $(CURDIR)/build-asan $(CURDIR)/build-tsan $(CURDIR)/build-fuzz $(CURDIR)/build-coverage
