# Compiles proto/*.proto (those in proto/python are for Python alone); the generated headers (wire/graph.pb.h, ...) are
# seen by formats/, cluster/ and predict/ only.
# The messages are compiled under a package of our own, headrace.wire instead of tensorflow: the wire format is the same,
# and a program may link Headrace beside C++ generated from TensorFlow's own protos, which registers those names itself.
file(GLOB PROTO_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/*.proto)
set(PROTO_DIR ${CMAKE_BINARY_DIR}/generated/proto)
file(MAKE_DIRECTORY ${PROTO_DIR}/wire)
set(PRIVATE_PROTOS)
foreach(proto ${PROTO_FILES})
  get_filename_component(name ${proto} NAME)
  set(private ${PROTO_DIR}/wire/${name})
  add_custom_command(
    OUTPUT ${private}
    COMMAND ${CMAKE_COMMAND} -DFROM=${proto} -DTO=${private} -P ${CMAKE_SOURCE_DIR}/cmake/PrivateProto.cmake
    DEPENDS ${proto} ${CMAKE_SOURCE_DIR}/cmake/PrivateProto.cmake VERBATIM)
  list(APPEND PRIVATE_PROTOS ${private})
endforeach()
set(PROTO_SOURCES)
foreach(private ${PRIVATE_PROTOS})
  get_filename_component(stem ${private} NAME_WE)
  add_custom_command(
    OUTPUT ${PROTO_DIR}/wire/${stem}.pb.cc ${PROTO_DIR}/wire/${stem}.pb.h
    COMMAND protobuf::protoc --proto_path=${PROTO_DIR} --cpp_out=${PROTO_DIR} ${private}
    DEPENDS ${PRIVATE_PROTOS} VERBATIM)
  list(APPEND PROTO_SOURCES ${PROTO_DIR}/wire/${stem}.pb.cc)
endforeach()
add_library(headrace_protos STATIC ${PROTO_SOURCES})
target_include_directories(headrace_protos SYSTEM PUBLIC ${PROTO_DIR})
target_link_libraries(headrace_protos PUBLIC protobuf::libprotobuf)
