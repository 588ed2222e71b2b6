// YAML and JSON files as JSON values.
#pragma once

#include <string>

#include "cli/output.h"

namespace headrace::cli {

// Throws NotFound, or InvalidArgument with the line of a syntax error.
Json ReadYaml(const std::string& path);
Json ParseYaml(const std::string& text, const std::string& where);

}  // namespace headrace::cli
