# The target generate_ops: C++ builders (headrace/ops.h, ops_builders.cc) and Python wrappers from the op declarations.
add_custom_target(generate_ops)
