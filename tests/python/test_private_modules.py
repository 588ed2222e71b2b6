"""Views of TensorFlow's private modules: they show the objects of the public API, and say truthfully what they lack."""

import importlib
import subprocess
import sys

import pytest
import tensorflow as tf


def test_private_modules_show_the_same_objects():
    from tensorflow.python.framework import constant_op, dtypes, ops, tensor_shape
    from tensorflow.python.ops import array_ops, math_ops, variables
    from tensorflow.python.training import adam, saver
    from tensorflow_estimator.python.estimator import run_config
    from tensorflow_estimator.python.estimator.estimator import Estimator

    assert ops.Graph is tf.Graph
    assert dtypes.bool is tf.bool
    assert constant_op.constant_v1 is tf.constant
    assert tensor_shape.TensorShape is tf.TensorShape
    assert array_ops.reshape is tf.reshape
    assert math_ops.matmul is tf.matmul
    assert variables.Variable is variables.VariableV1 is tf.Variable
    assert adam.AdamOptimizer is tf.train.AdamOptimizer
    assert saver.Saver is tf.train.Saver
    assert Estimator is tf.estimator.Estimator
    assert run_config.RunConfig is tf.estimator.RunConfig


def test_generated_modules_have_a_function_an_op():
    from tensorflow.python.ops import gen_math_ops

    assert gen_math_ops.add_v2(1.0, 2.0).op.type == "AddV2"


def test_estimator_package_can_be_imported_first():
    code = "from tensorflow_estimator.python.estimator import estimator; print(estimator.Estimator.__name__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "Estimator", result.stderr


def test_every_source_of_a_view_exists():
    from headrace import views

    lacking = []
    for path, sources in views.tables().items():
        for source in sources:
            module, _, name = source.rpartition("=")[2].partition(":")
            if not source.startswith("@"):
                implementation = importlib.import_module(f"headrace.{module}")
                if name and not hasattr(implementation, name):
                    lacking.append(f"{path}: {source}")
    assert lacking == []


def test_views_show_what_a_module_defines_not_what_it_imports():
    from tensorflow.python.ops import array_ops

    with pytest.raises(AttributeError):
        array_ops.np  # noqa: B018


def test_a_module_of_1_15_without_a_table_refuses_each_name():
    from tensorflow.python.ops import parallel_for  # noqa: F401
    from tensorflow.python.ops.parallel_for import control_flow_ops

    with pytest.raises(AttributeError, match="has no pfor: TensorFlow 1.15 may have it, Headrace does not yet"):
        control_flow_ops.pfor  # noqa: B018


@pytest.mark.parametrize("statement", [
    "import tensorflow.python.ops.nonsense", "from tensorflow.python.ops import nonsense",
    "from tensorflow.python.ops.math_ops import nonsense",
])  # fmt: skip
def test_an_absent_name_is_explained_on_import(statement):
    with pytest.raises(ImportError, match="has no nonsense: TensorFlow 1.15 may have it, Headrace does not yet"):
        exec(statement)


def test_modules_of_contrib_that_are_absent_can_not_be_imported():
    with pytest.raises(ImportError, match="TensorFlow 1.15 has tf.contrib.slim, Headrace does not yet"):
        import tensorflow.contrib.slim  # noqa: F401
    with pytest.raises(AttributeError, match="TensorFlow 1.15 has tf.contrib.slim, Headrace does not yet"):
        tf.contrib.slim  # noqa: B018


def test_public_names_that_are_absent_are_explained():
    with pytest.raises(AttributeError, match="TensorFlow 1.15 has tf.keras, Headrace does not yet"):
        tf.keras  # noqa: B018
    with pytest.raises(ImportError, match="TensorFlow 1.15 has tf.train.SyncReplicasOptimizer, Headrace does not yet"):
        from tensorflow.train import SyncReplicasOptimizer  # noqa: F401
    with pytest.raises(AttributeError, match="TensorFlow 1.15 has no tf.train.AdamOptimiser; did you mean"):
        tf.train.AdamOptimiser  # noqa: B018
    with pytest.raises(AttributeError, match="^TensorFlow 1.15 has no tf.quux$"):
        tf.quux  # noqa: B018
    with pytest.raises(ImportError, match="^TensorFlow 1.15 has no tf.nonsense$"):
        import tensorflow.nonsense  # noqa: F401


def test_hparams_are_typed():
    hparams = tf.contrib.training.HParams(rate=0.1, layers=[64, 8], name="x")
    assert hparams.parse("rate=1,layers=[4,2],name=y").values() == {"rate": 1.0, "layers": [4, 2], "name": "y"}
    with pytest.raises(ValueError, match="Could not parse hparam 'rate' of type 'float'"):
        hparams.parse("rate=fast")
    with pytest.raises(ValueError, match="Unknown hyperparameter"):
        hparams.parse("speed=1")
