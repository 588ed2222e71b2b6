"""tf.test: test cases whose assertions know tensors, decorators for the modes a test runs in, gradient checkers."""
