#!/bin/sh
# `python` in a shell that `headrace env` prepared, where Headrace has no virtual environment of its own: the interpreter
# that it chose, which finds Headrace's packages behind whatever PYTHONPATH the user gives.
PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$HEADRACE_PYTHONPATH" exec "$HEADRACE_PYTHON" "$@"
