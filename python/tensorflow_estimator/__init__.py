"""The package in which TensorFlow 1.15 keeps tf.estimator; its modules are views, as those of tensorflow.python are."""

import sys as _sys

import tensorflow as _tensorflow  # noqa: F401  # installs the importer
from headrace import alias as _alias

_table_path = "tensorflow_estimator"


def __getattr__(name: str) -> object:
    return _alias.lookup(_sys.modules[__name__], name)
