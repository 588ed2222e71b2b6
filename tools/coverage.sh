#!/bin/bash
# Runs the tests of a coverage build and says which lines they reached. `BUILD_DIR/tools` is a virtual environment with
# gcovr and coverage; the tests run in the project's own, which borrows coverage from there.
# usage: tools/coverage.sh BUILD_DIR
set -uo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "$1")
tools=$("$build/tools/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -j 2 --output-on-failure --timeout 1800
PATH="$PWD/build/venv/bin:$PATH" HEADRACE_BUILD=$build PYTHONPATH="$build/python:$tools" build/venv/bin/python -m coverage \
  run --source="$build/python/headrace" --data-file="$build/.coverage" -m pytest -q tests
"$build/tools/bin/gcovr" --root . --filter src/ --filter python/src/ --filter include/ --gcov-ignore-parse-errors \
  --txt "$build/cpp.txt" --html-details "$build/cpp.html" "$build"
"$build/tools/bin/coverage" report --data-file="$build/.coverage" >"$build/python.txt"
tail -4 "$build/cpp.txt"
tail -2 "$build/python.txt"
