"""Headrace: the Python face of the C++ engine.

Programs written for TensorFlow 1 say ``import tensorflow as tf`` and get this package under TensorFlow's names (see
``headrace.api`` for the table). Importing ``headrace`` alone loads nothing but this file.
"""

__version__ = "0.1.0"
