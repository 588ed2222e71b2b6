# The target generate_ops: C++ builders (headrace/ops.h, ops_builders.cc) and Python wrappers from the op declarations.
# It runs when a source changes, but rewrites its outputs only when a declaration did, so an edited kernel costs one
# recompilation.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB_RECURSE OP_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.cc)
add_custom_command(
  OUTPUT ${GENERATED_DIR}/ops.stamp
  BYPRODUCTS ${GENERATED_DIR}/headrace/ops.h ${GENERATED_DIR}/ops_builders.cc
             ${CMAKE_BINARY_DIR}/python/headrace/_ops.py
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/generate_ops.py --source ${CMAKE_SOURCE_DIR}/src
          --generated ${GENERATED_DIR} --python ${CMAKE_BINARY_DIR}/python/headrace/_ops.py
  COMMAND ${CMAKE_COMMAND} -E touch ${GENERATED_DIR}/ops.stamp
  DEPENDS ${OP_SOURCES} ${CMAKE_SOURCE_DIR}/tools/generate_ops.py
  COMMENT "Generating op builders" VERBATIM)
add_custom_target(generate_ops DEPENDS ${GENERATED_DIR}/ops.stamp)
