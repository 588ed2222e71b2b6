"""tf.layers: functions that make their variables and apply them."""

from __future__ import annotations

from typing import Any

from headrace import _core, initializers
from headrace.framework import Tensor, convert_to_tensor, executing_eagerly

_ZEROS = initializers.Zeros()


def dense(
    inputs: Any, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
    bias_initializer: Any = _ZEROS, kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
    trainable: bool = True, name: str | None = None, reuse: Any = None,
) -> Tensor:  # fmt: skip
    """activation(inputs · kernel + bias) over the last axis: [..., in] -> [..., units]."""
    return Dense(
        units, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint, trainable=trainable, name=name, _reuse=reuse,
    )(inputs)  # fmt: skip


class Dense:
    """The layer of tf.layers.dense; called again it shares its variables."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
        bias_initializer: Any = _ZEROS, kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        trainable: bool = True, name: str | None = None, _reuse: Any = None, **unknown: Any,
    ) -> None:  # fmt: skip
        for option in unknown:
            raise TypeError(f"('Keyword argument not understood:', {option!r})")
        self.units, self._name = int(units), name
        self._options = dict(
            activation=activation, use_bias=use_bias, kernel_initializer=initializers.get(kernel_initializer),
            bias_initializer=initializers.get(bias_initializer), kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, trainable=trainable,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, reuse=_reuse,
        )  # fmt: skip

    def __call__(self, inputs: Any) -> Tensor:
        inputs = convert_to_tensor(inputs)
        if executing_eagerly():
            return self._apply_eagerly(inputs)
        if self._options["reuse"] is None and getattr(self, "_built", False):
            self._options["reuse"] = True
        known = set(_core.variables(inputs.graph, "variables"))
        result = _core.dense(inputs, self.units, name=self._name or "", **self._options)
        if not getattr(self, "_built", False):
            self.variables = [v for v in _core.variables(inputs.graph, "variables") if v not in known]
            self._built = True
            if self.variables:
                self._name = self.variables[0].name.rsplit("/", 1)[0].rsplit("/", 1)[-1]
        return result

    def _apply_eagerly(self, inputs: Any) -> Tensor:
        from headrace import math, variables

        options = self._options
        if not getattr(self, "_built", False):
            size = inputs.shape.as_list()[-1]
            with variables.variable_scope(self._name, "dense"):
                self.variables = [
                    variables.get_variable(
                        "kernel", [size, self.units], inputs.dtype, options["kernel_initializer"],
                        trainable=options["trainable"],
                    )
                ]  # fmt: skip
                if options["use_bias"]:
                    bias = variables.get_variable(
                        "bias", [self.units], inputs.dtype, options["bias_initializer"], trainable=options["trainable"]
                    )
                    self.variables.append(bias)
            self._built = True
        rank = len(inputs.shape.as_list())
        result = (
            math.matmul(inputs, self.kernel) if rank == 2 else math.tensordot(inputs, self.kernel, [[rank - 1], [0]])
        )
        if options["use_bias"]:
            result = result + self.bias
        return result if options["activation"] is None else options["activation"](result)

    apply = __call__
    name = property(lambda self: self._name)
    kernel = property(lambda self: self.variables[0])
    bias = property(lambda self: self.variables[1] if self._options["use_bias"] else None)
    weights = trainable_variables = trainable_weights = property(lambda self: list(self.variables))


def dropout(
    inputs: Any, rate: float = 0.5, noise_shape: Any = None, seed: int | None = None, training: Any = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """While training, zeros a fraction `rate` of the elements and scales up the others. `training` may be a tensor."""
    from headrace import _ops, nn

    inputs = convert_to_tensor(inputs)
    if isinstance(training, (bool, int)):
        if not training:
            return _ops.identity(inputs, name=name or "dropout/Identity")
        return nn.dropout(inputs, rate=rate, noise_shape=noise_shape, seed=seed, name=name)
    dropped = nn.dropout(inputs, rate=rate, noise_shape=noise_shape, seed=seed, name=name)
    return _ops.select_v2(convert_to_tensor(training), dropped, inputs)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """[batch, …] -> [batch, the rest in one axis]. With data_format="channels_first", axis 1 comes last."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {data_format}'
        )
    return _core.flatten(convert_to_tensor(inputs), data_format == "channels_first", name or "flatten")
