// The one exception type of Headrace. Every failure carries a canonical code and a message that says what was given,
// what was expected and where; Python maps the code to the tf.errors class of the same name.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace headrace {

// The canonical codes, numbered as google.rpc.Code (and so as tf.errors) numbers them.
enum class Code {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// The code's name as google.rpc writes it: "INVALID_ARGUMENT".
const char* CodeName(Code code);

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }
  // The same error with " [in `where`]"-style context put behind the message.
  Error With(const std::string& context) const { return {code_, std::string(what()) + context}; }

 private:
  Code code_;
};

// A model function built an impossible graph: the program is wrong, not the data that runs through it. Python raises
// ValueError for it, as 1.15 does.
class BuildError : public Error {
 public:
  explicit BuildError(const Error& error) : Error(error) {}
};

namespace internal {
template <class... Parts>
std::string Concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
}  // namespace internal

// Factories, one a code: throw InvalidArgument("expected rank 2, got ", shape, " at ", name).
#define HEADRACE_ERROR_FACTORY(Name)                         \
  template <class... Parts>                                  \
  Error Name(const Parts&... parts) {                        \
    return Error(Code::k##Name, internal::Concat(parts...)); \
  }
HEADRACE_ERROR_FACTORY(Cancelled)
HEADRACE_ERROR_FACTORY(Unknown)
HEADRACE_ERROR_FACTORY(InvalidArgument)
HEADRACE_ERROR_FACTORY(DeadlineExceeded)
HEADRACE_ERROR_FACTORY(NotFound)
HEADRACE_ERROR_FACTORY(AlreadyExists)
HEADRACE_ERROR_FACTORY(PermissionDenied)
HEADRACE_ERROR_FACTORY(ResourceExhausted)
HEADRACE_ERROR_FACTORY(FailedPrecondition)
HEADRACE_ERROR_FACTORY(Aborted)
HEADRACE_ERROR_FACTORY(OutOfRange)
HEADRACE_ERROR_FACTORY(Unimplemented)
HEADRACE_ERROR_FACTORY(Internal)
HEADRACE_ERROR_FACTORY(Unavailable)
HEADRACE_ERROR_FACTORY(DataLoss)
HEADRACE_ERROR_FACTORY(Unauthenticated)
#undef HEADRACE_ERROR_FACTORY

}  // namespace headrace

// The short name by which C++ programs use the library: hr::Dataset, hr::DnnRegressor.
namespace hr = headrace;
