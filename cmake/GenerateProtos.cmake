# Compiles proto/*.proto (those in proto/python are for Python alone); the generated headers are seen by formats/,
# cluster/ and predict/ only.
file(GLOB PROTO_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/proto/*.proto)
set(PROTO_DIR ${CMAKE_BINARY_DIR}/generated/proto)
file(MAKE_DIRECTORY ${PROTO_DIR})
set(PROTO_SOURCES)
foreach(proto ${PROTO_FILES})
  file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR}/proto ${proto})
  string(REGEX REPLACE "\\.proto$" "" stem ${relative})
  add_custom_command(
    OUTPUT ${PROTO_DIR}/${stem}.pb.cc ${PROTO_DIR}/${stem}.pb.h
    COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR}/proto --cpp_out=${PROTO_DIR} ${proto}
    DEPENDS ${proto} VERBATIM)
  list(APPEND PROTO_SOURCES ${PROTO_DIR}/${stem}.pb.cc)
endforeach()
if(PROTO_SOURCES)
  add_library(headrace_protos STATIC ${PROTO_SOURCES})
  target_include_directories(headrace_protos SYSTEM PUBLIC ${PROTO_DIR})
  target_link_libraries(headrace_protos PUBLIC protobuf::libprotobuf)
else()
  add_library(headrace_protos INTERFACE)
endif()
