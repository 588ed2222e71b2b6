"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import pkgutil

import headrace
import pytest

MODULES = sorted(m.name for m in pkgutil.iter_modules(headrace.__path__) if not m.name.startswith("_"))


def examples_of(name):
    """The docstrings of a module that hold examples."""
    module = importlib.import_module(f"headrace.{name}")
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]


WITH_EXAMPLES = [name for name in MODULES if examples_of(name)]


def test_modules_have_examples():
    assert {"framework", "session"} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name):
    runner = doctest.DocTestRunner(verbose=False)
    for test in examples_of(name):
        runner.run(test)
    results = runner.summarize(verbose=False)
    assert results.attempted > 0
    assert results.failed == 0
