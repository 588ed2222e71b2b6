# `cmake --install`: the library with its headers and package config, the executable, the Python packages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS headrace EXPORT HeadraceTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/headrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_BINARY_DIR}/generated/headrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(EXPORT HeadraceTargets NAMESPACE Headrace:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Headrace)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/HeadraceConfig.cmake.in ${CMAKE_BINARY_DIR}/HeadraceConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Headrace)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/HeadraceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/HeadraceConfig.cmake ${CMAKE_BINARY_DIR}/HeadraceConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Headrace)
# The same package straight from the build tree: find_package(Headrace PATHS build).
export(EXPORT HeadraceTargets NAMESPACE Headrace:: FILE ${CMAKE_BINARY_DIR}/HeadraceTargets.cmake)

# The commands that `headrace env` puts on PATH: one executable under three names, and scripts `python` and `python3` for
# where there is no virtual environment of ours. Made here, for the build tree and at install, never when they are used.
set(COMMANDS_DESTINATION libexec/headrace)
foreach(name headrace gcloud gsutil)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/commands)
  file(CREATE_LINK ../bin/headrace ${CMAKE_BINARY_DIR}/commands/${name} SYMBOLIC)
  install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${COMMANDS_DESTINATION}\")
                file(CREATE_LINK ../../bin/headrace
                     \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${COMMANDS_DESTINATION}/${name}\" SYMBOLIC)")
endforeach()
foreach(name python python3)
  configure_file(${CMAKE_SOURCE_DIR}/tools/python_command.sh ${CMAKE_BINARY_DIR}/commands/python/${name} COPYONLY)
  install(PROGRAMS ${CMAKE_SOURCE_DIR}/tools/python_command.sh DESTINATION ${COMMANDS_DESTINATION}/python RENAME ${name})
endforeach()

if(TARGET headrace_executable)
  set_target_properties(headrace_executable PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS headrace_executable RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(HEADRACE_BUILD_PYTHON)
  # Below the executable's prefix, where `headrace env` looks for it. The sources come from their own folder: the build
  # tree only links to them.
  set(PYTHON_DESTINATION ${CMAKE_INSTALL_LIBDIR}/headrace/python)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/python/headrace ${CMAKE_SOURCE_DIR}/python/tensorflow
          ${CMAKE_SOURCE_DIR}/python/tensorflow_estimator
          DESTINATION ${PYTHON_DESTINATION} PATTERN "__pycache__" EXCLUDE)
  if(TARGET headrace_python)
    set_target_properties(headrace_python PROPERTIES INSTALL_RPATH "$ORIGIN/../../..")
    install(TARGETS headrace_python LIBRARY DESTINATION ${PYTHON_DESTINATION}/headrace)
    install(FILES ${CMAKE_BINARY_DIR}/python/headrace/_ops.py DESTINATION ${PYTHON_DESTINATION}/headrace)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/python/headrace/protos DESTINATION ${PYTHON_DESTINATION}/headrace
            PATTERN "__pycache__" EXCLUDE)
  endif()
endif()
