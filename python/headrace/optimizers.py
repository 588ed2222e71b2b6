"""tf.train's optimizers. Those here are C++; a subclass may override 1.15's protected methods, which C++ then calls."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import Tensor, executing_eagerly
from headrace.refusal import refuse

# What a subclass may define; C++ takes the whole path where it defines none.
_HOOKS = (
    "compute_gradients", "apply_gradients", "_create_slots", "_prepare", "_apply_dense", "_resource_apply_dense",
    "_apply_sparse", "_resource_apply_sparse", "_finish",
)  # fmt: skip


def _variables(var_list: Any) -> Any:
    """A list of variables; one alone counts as a list."""
    from headrace.variables import Variable

    return [var_list] if isinstance(var_list, Variable) else var_list


def _check_gating(gate_gradients: Any) -> None:
    if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
        raise ValueError(
            f"gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH.  Not "
            f"{gate_gradients}"
        )


def _check_aggregation(method: Any) -> None:
    if method not in (None, 0, 1, 2):
        raise ValueError(f"Invalid aggregation_method specified {method}.")


class Optimizer:
    """Base class. A subclass defines `_apply_dense(grad, var)` and, where needed, `_create_slots(var_list)`,
    `_prepare()`, `_apply_sparse(grad, var)`, `_resource_apply_dense(grad, var)`, `_finish(update_ops, name_scope)`.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._name, self._use_locking = name, use_locking
        overrides = [hook for hook in _HOOKS if getattr(type(self), hook, None) is not getattr(Optimizer, hook, None)]
        self._native = _core.PythonOptimizer(self, name, overrides)
        self._native.set_use_locking(bool(use_locking))

    def get_name(self) -> str:
        return self._name

    def minimize(
        self, loss: Tensor, global_step: Any = None, var_list: Any = None, gate_gradients: int = GATE_OP,
        aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:  # fmt: skip
        """An operation that computes the gradients of `loss`, applies them and adds 1 to `global_step`.

        Args:
          grad_loss: the gradient of the loss to start from, instead of 1.
          gate_gradients, aggregation_method, colocate_gradients_with_ops: how TensorFlow schedules the same sums; they
            change no value.
        """
        _check_gating(gate_gradients)
        _check_aggregation(aggregation_method)
        if self._is_plain() and not callable(loss) and not executing_eagerly():
            return self._native.minimize(loss, global_step, _variables(var_list), name, grad_loss)
        options = {} if grad_loss is None else {"grad_loss": grad_loss}
        pairs = self.compute_gradients(loss, var_list=var_list, **options)
        if not any(gradient is not None for gradient, _ in pairs):
            raise ValueError(
                f"No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(v) for _, v in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def _is_plain(self) -> bool:
        cls = type(self)
        return cls.compute_gradients is Optimizer.compute_gradients and cls.apply_gradients is Optimizer.apply_gradients

    def compute_gradients(
        self, loss: Tensor, var_list: Any = None, gate_gradients: int = GATE_OP, aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False, grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:  # fmt: skip
        """(gradient, variable) for each variable; the gradient is a Tensor, an IndexedSlices or None."""
        _check_gating(gate_gradients)
        _check_aggregation(aggregation_method)
        if callable(loss):
            return _gradients_of_function(loss, _variables(var_list), grad_loss)
        if executing_eagerly():
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is enabled."
            )
        return self._native.compute_gradients(loss, _variables(var_list), grad_loss)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """The operation that applies what compute_gradients gave, perhaps changed since."""
        grads_and_vars = list(grads_and_vars)
        if not grads_and_vars:
            raise ValueError("No variables provided.")
        return self._native.apply_gradients(grads_and_vars, global_step, name)

    def get_slot(self, var: Any, name: str) -> Any:
        return self._native.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        return self._native.slot_names()

    def variables(self) -> list[Any]:
        return self._native.variables()

    def _create_slots(self, var_list: list[Any]) -> None:
        pass

    def _prepare(self) -> None:
        pass

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _apply_dense")

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _resource_apply_dense")

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _apply_sparse")

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _resource_apply_sparse")

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        return self._native.finish(update_ops, name_scope)

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Any:
        return self._native.zeros_slot(var, slot_name)

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Any:
        return self.get_slot(var, slot_name) or self._native.make_slot(var, val, slot_name)

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param


def _gradients_of_function(loss: Any, var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
    """(gradient, variable) of what the function gives, for the variables named or else those that it reads."""
    from headrace.backprop import GradientTape

    with GradientTape() as tape:
        if var_list is not None:
            tape.watch(var_list)
        value = loss()
    variables = list(tape.watched_variables()) if var_list is None else list(var_list)
    return list(zip(tape.gradient(value, variables, grad_loss), variables))


class _NativeOptimizer(Optimizer):
    """An optimizer that is C++ unless a subclass overrides gradients or their application."""

    def _set(self, native: Any, name: str, use_locking: bool) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._name, self._use_locking = name, use_locking
        self._native = native
        native.set_use_locking(bool(use_locking))


class GradientDescentOptimizer(_NativeOptimizer):
    """variable -= learning_rate * gradient."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        self._learning_rate = learning_rate
        self._set(_core.gradient_descent_optimizer(learning_rate, name), name, use_locking)


class MomentumOptimizer(_NativeOptimizer):
    """Gradient descent with momentum."""

    def __init__(
        self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:  # fmt: skip
        self._learning_rate = learning_rate
        self._set(_core.momentum_optimizer(learning_rate, momentum, use_nesterov, name), name, use_locking)


class AdagradOptimizer(_NativeOptimizer):
    """Adagrad: steps shrink with the gradients seen so far."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:  # fmt: skip
        if initial_accumulator_value <= 0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        self._learning_rate = learning_rate
        self._set(_core.adagrad_optimizer(learning_rate, initial_accumulator_value, name), name, use_locking)


class AdamOptimizer(_NativeOptimizer):
    """Adam (Kingma and Ba 2014)."""

    def __init__(
        self, learning_rate: Any = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
        use_locking: bool = False, name: str = "Adam",
    ) -> None:  # fmt: skip
        self._lr = learning_rate
        self._set(_core.adam_optimizer(learning_rate, beta1, beta2, epsilon, name), name, use_locking)


class FtrlOptimizer(_NativeOptimizer):
    """FTRL-Proximal, which keeps weights at zero under l1 regularization (McMahan et al. 2013)."""

    def __init__(
        self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False,
        name: str = "Ftrl", accum_name: str | None = None, linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
    ) -> None:  # fmt: skip
        self._learning_rate = learning_rate
        self._set(
            _core.ftrl_optimizer(
                learning_rate, learning_rate_power, initial_accumulator_value, l1_regularization_strength,
                l2_regularization_strength, l2_shrinkage_regularization_strength, name, accum_name, linear_name,
            ),
            name, use_locking,
        )  # fmt: skip


class RMSPropOptimizer(_NativeOptimizer):
    """RMSProp (Hinton's lecture 6)."""

    def __init__(
        self, learning_rate: Any, decay: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-10,
        use_locking: bool = False, centered: bool = False, name: str = "RMSProp",
    ) -> None:  # fmt: skip
        refuse("tf.train.RMSPropOptimizer", centered=centered)
        self._learning_rate = learning_rate
        native = _core.rmsprop_optimizer(learning_rate, decay, momentum, epsilon, centered, name)
        self._set(native, name, use_locking)
