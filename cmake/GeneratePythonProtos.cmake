# Makes headrace/protos of build/python: every message of proto/ and proto/python as a Python module. The files are
# compiled as headrace/protos/NAME.proto, so that they meet no others of the same name in a program.
file(GLOB MESSAGES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/*.proto ${CMAKE_SOURCE_DIR}/proto/python/*.proto)
set(STAGING ${CMAKE_BINARY_DIR}/generated/python_protos)
set(PYTHON_PROTOS ${CMAKE_BINARY_DIR}/python/headrace/protos)
file(MAKE_DIRECTORY ${STAGING}/headrace/protos ${PYTHON_PROTOS})
file(TOUCH ${PYTHON_PROTOS}/__init__.py)
set(STAGED)
set(GENERATED)
foreach(message ${MESSAGES})
  get_filename_component(stem ${message} NAME_WE)
  add_custom_command(
    OUTPUT ${STAGING}/headrace/protos/${stem}.proto
    COMMAND sed "s|^import \"\\([a-z_]*\\.proto\\)\"|import \"headrace/protos/\\1\"|" ${message}
            > ${STAGING}/headrace/protos/${stem}.proto
    DEPENDS ${message} VERBATIM)
  list(APPEND STAGED ${STAGING}/headrace/protos/${stem}.proto)
  list(APPEND GENERATED ${PYTHON_PROTOS}/${stem}_pb2.py)
endforeach()
add_custom_command(
  OUTPUT ${GENERATED}
  COMMAND protobuf::protoc --proto_path=${STAGING} --python_out=${CMAKE_BINARY_DIR}/python ${STAGED}
  DEPENDS ${STAGED} VERBATIM)
add_custom_target(python_protos ALL DEPENDS ${GENERATED})
