// Feature columns and features between Python and the library.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "headrace/feature_column.h"

namespace headrace::python {

FeatureColumnPtr ColumnFromPython(nanobind::handle column);  // errors: TypeError
// A column or an iterable of them.
std::vector<FeatureColumnPtr> ColumnsFromPython(nanobind::handle columns);

}  // namespace headrace::python
