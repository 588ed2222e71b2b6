// Hooks and checkpoint listeners written in Python.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/hooks.h"

namespace headrace::python {

Hooks HooksFromPython(nanobind::handle hooks);  // None gives none
CheckpointListeners ListenersFromPython(nanobind::handle listeners);
nanobind::object SessionToPython(Session& session);  // a tf.Session that borrows it

}  // namespace headrace::python
