"""`import tensorflow`: what it loads, its module layout, and what it says about names it lacks."""

import subprocess
import sys

import pytest
import tensorflow as tf


def modules_after(statement):
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_import_loads_numpy_and_little_else():
    added = modules_after("import tensorflow") - modules_after("import numpy")
    heavy = {"pandas", "asyncio", "http", "ssl", "unittest", "multiprocessing", "google", "argparse", "difflib",
             "logging", "inspect", "importlib.resources", "headrace.estimator", "headrace.data"}  # fmt: skip
    assert "headrace.framework" in added
    assert added & heavy == set()


def test_submodules_load_when_used():
    assert "headrace.estimator" in modules_after("import tensorflow as tf\ntf.estimator.DNNRegressor")


def test_version_is_that_of_the_last_1_x():
    assert tf.__version__ == tf.VERSION == tf.compat.v1.__version__ == "1.15.5"


def test_compat_v1_is_the_same_api():
    import tensorflow.compat.v1 as v1

    assert v1.Session is tf.Session
    assert v1.train.Saver is tf.train.Saver is tf.compat.v1.train.Saver


def test_submodules_can_be_imported_by_name():
    import tensorflow.feature_column as fc
    from tensorflow.compat.v1.estimator import RunConfig
    from tensorflow.estimator.export import ServingInputReceiver

    assert fc.numeric_column is tf.feature_column.numeric_column
    assert RunConfig is tf.estimator.RunConfig
    assert ServingInputReceiver is tf.estimator.export.ServingInputReceiver


def test_every_name_of_the_table_exists():
    from headrace import api

    lacking = []
    for path, names in api.MODULES.items():
        for name, target in names.items():
            source, _, attribute = target.partition(":")
            if not hasattr(__import__(f"headrace.{source}", fromlist=["x"]), attribute):
                lacking.append(f"{path}.{name}")
    assert lacking == []


def test_an_absent_module_is_an_import_error():
    with pytest.raises(ImportError):
        __import__("tensorflow.nonsense")


def test_switches_of_behaviour_are_accepted():
    tf.compat.v1.disable_eager_execution()
    tf.disable_v2_behavior()
