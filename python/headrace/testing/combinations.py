"""Tests generated from combinations of parameters, some of which say how a test runs (mode, tf_api_version)."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from headrace import framework, tf2
from headrace.testing import modes


class ParameterModifier:
    """Changes the arguments of a test before it is called."""

    DO_NOT_PASS_TO_THE_TEST = object()

    def __init__(self, parameter_name: str | None = None) -> None:
        self._parameter_name = parameter_name

    def modified_arguments(self, kwargs: dict[str, Any], requested_parameters: list[str]) -> dict[str, Any]:
        """The arguments to change; DO_NOT_PASS_TO_THE_TEST leaves one out."""
        return {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._parameter_name == other._parameter_name  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._parameter_name))


class OptionalParameter(ParameterModifier):
    """A parameter that a test need not take."""

    def modified_arguments(self, kwargs: dict[str, Any], requested_parameters: list[str]) -> dict[str, Any]:
        if self._parameter_name in requested_parameters:
            return {}
        return {self._parameter_name: ParameterModifier.DO_NOT_PASS_TO_THE_TEST}  # type: ignore[dict-item]


class TestCombination:
    """What one parameter means for the way in which a test runs."""

    __test__ = False

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        return []

    def context_managers(self, kwargs: dict[str, Any]) -> list[Any]:
        return []


class EagerGraphCombination(TestCombination):
    """The parameter `mode`: "graph" or "eager"."""

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        if kwargs.get("mode") == "eager" and modes.eager_mode() is None:
            return False, "Headrace has no eager mode yet"
        return True, None

    def context_managers(self, kwargs: dict[str, Any]) -> list[Any]:
        mode = kwargs.get("mode", "graph")
        if mode == "eager":
            return [modes.eager_mode()]
        if mode == "graph":
            return [framework.Graph().as_default(), modes.graph_mode()]
        raise ValueError(f"'mode' has to be either 'eager' or 'graph' and not {mode}")

    def parameter_modifiers(self) -> list[ParameterModifier]:
        return [OptionalParameter("mode")]


class TFVersionCombination(TestCombination):
    """The parameter `tf_api_version`: tests of 2 are skipped unless 2.x behaviour is on, and the other way round."""

    def should_execute_combination(self, kwargs: dict[str, Any]) -> tuple[bool, str | None]:
        version = kwargs.get("tf_api_version")
        if version == 1 and tf2.enabled():
            return False, "Skipping a TF1.x test when TF2 is enabled."
        if version == 2 and not tf2.enabled():
            return False, "Skipping a TF2 test when TF2 is not enabled."
        return True, None

    def parameter_modifiers(self) -> list[ParameterModifier]:
        return [OptionalParameter("tf_api_version")]


class NamedObject:
    """An object with a name that reads well in that of a test."""

    def __init__(self, name: str, obj: Any) -> None:
        self._name, self._obj = name, obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._obj(*args, **kwargs)

    def __repr__(self) -> str:
        return self._name


def combine(**kwargs: Any) -> list[OrderedDict]:
    """Every combination of the parameters' values; each is a list of values, or one value.

    >>> from headrace.testing.combinations import combine
    >>> [dict(c) for c in combine(a=[1, 2], b=3)]
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    names = sorted(kwargs)
    values = [kwargs[name] if isinstance(kwargs[name], list) else [kwargs[name]] for name in names]
    return [OrderedDict(zip(names, chosen)) for chosen in itertools.product(*values)]


def times(*combined: Any) -> list[OrderedDict]:
    """The products of sets of combinations. Raises ValueError where two have a parameter in common."""
    products = []
    for chosen in itertools.product(*combined):
        product: OrderedDict = OrderedDict()
        for part in chosen:
            if set(product) & set(part):
                raise ValueError(f"Keys need to not overlap: {product.keys()} vs {part.keys()}")
            product.update(part)
        products.append(product)
    return products


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _named(combination: Any) -> OrderedDict:
    def shown(value: Any, i: int) -> str:
        return _letters(re.sub("0[xX][0-9a-fA-F]+", str(i), str(value)))  # no addresses in names

    name = "".join(f"_{_letters(k)}_{shown(v, i)}" for i, (k, v) in enumerate(combination.items()))
    return OrderedDict([*combination.items(), ("testcase_name", f"_test{name}")])


def generate_with(combinations: Any, test_combinations: Any = ()) -> Callable:
    """A decorator of test methods and classes (of absl's parameterized.TestCase): a test for each combination.

    Args:
      test_combinations: what parameters mean for the way in which a test runs.
    """
    from absl.testing import parameterized

    named = [_named(combination) for combination in combinations]

    def decorate(target: Any) -> Any:
        if not inspect.isclass(target):
            return parameterized.named_parameters(*named)(_prepared(target, test_combinations))
        for name, method in dict(vars(target)).items():
            if name.startswith("test") and inspect.isfunction(method):
                delattr(target, name)
                for combination in named:
                    _add(target, name, _prepared(method, test_combinations), combination)
        return target

    return decorate


def _add(cls: type, name: str, method: Callable, combination: Any) -> None:
    arguments = {key: value for key, value in combination.items() if key != "testcase_name"}

    @functools.wraps(method)
    def test(self: Any) -> Any:
        return method(self, **arguments)

    test.__name__ = name + combination["testcase_name"]
    setattr(cls, test.__name__, test)


def _prepared(method: Callable, test_combinations: Any) -> Callable:
    @functools.wraps(method)
    def decorated(self: Any, **kwargs: Any) -> Any:
        given = dict(kwargs)
        verdicts = [c.should_execute_combination(dict(given)) for c in test_combinations]
        reasons = [f" - {reason}" for execute, reason in verdicts if not execute]
        if reasons:
            self.skipTest("\n".join(reasons))
        wanted = inspect.getfullargspec(method).args
        for modifier in {m for c in test_combinations for m in c.parameter_modifiers()}:
            for name, value in modifier.modified_arguments(dict(given), wanted).items():
                if value is ParameterModifier.DO_NOT_PASS_TO_THE_TEST:
                    kwargs.pop(name, None)
                else:
                    kwargs[name] = value
        missing = set(wanted) - {*kwargs, "self"}
        if missing:
            raise ValueError(f"The test requires parameters whose arguments were not passed: {missing} .")
        odd = set(kwargs) - set(wanted)
        if odd:
            raise ValueError(f"The test does not take parameters that were passed : {odd} .")
        with contextlib.ExitStack() as stack:
            for combination in test_combinations:
                for manager in combination.context_managers(dict(given)):
                    stack.enter_context(manager)
            return method(self, **kwargs)

    del decorated.__wrapped__  # its arguments are those of the combination
    return decorated


generate = functools.partial(generate_with, test_combinations=(EagerGraphCombination(), TFVersionCombination()))
