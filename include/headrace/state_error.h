// The error of using an object that is past its use.
#pragma once

#include <string>

#include "headrace/error.h"

namespace headrace {

// A closed session is run, a finalized graph is added to. Python raises RuntimeError for it, as 1.15 does.
class StateError : public Error {
 public:
  explicit StateError(const std::string& message) : Error(Code::kFailedPrecondition, message) {}
};

}  // namespace headrace
