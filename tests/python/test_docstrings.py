"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import pkgutil

import headrace
import pytest

MODULES = sorted(m.name for m in pkgutil.iter_modules(headrace.__path__) if not m.name.startswith("_"))


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(f"headrace.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
