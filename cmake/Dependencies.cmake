# What Headrace links, all from Debian 12 (docs/dependencies.md says why each).
find_package(Threads REQUIRED)
# Debian's package file for oneDNN insists on OpenCL headers, which nothing here needs.
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl SHARED IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY})
find_package(absl REQUIRED CONFIG)
find_package(Protobuf REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS system)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(FAST_FLOAT QUIET IMPORTED_TARGET fast_float)
find_library(MVEC mvec REQUIRED)  # glibc's vector math
