// What the fuzz targets share. A target gives Seeds(), the inputs that its search starts from, and the entry point that
// libFuzzer calls with one input after another. Bytes from outside may end in a result or in headrace::Error; any other
// exception leaves the entry point and is a finding, as is whatever a sanitizer reports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/error.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds();

// True if `f` ends without an error.
template <class F>
bool Succeeds(F&& f) {
  try {
    f();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Ends the process with a message: for results that are wrong though nothing crashed.
[[noreturn]] void Fail(const std::string& message);

// Inputs of several parts: each but the last is preceded by its length in two bytes. Whatever the bytes, there are
// `count` parts.
std::vector<std::string> Split(std::string_view input, size_t count);
std::string Join(const std::vector<std::string>& parts);

// The file at "fuzz://NAME" has these bytes from now on, in memory. SetFile counts as a change of the file even if the
// bytes are the same.
void SetFile(const std::string& name, std::string_view bytes);

inline std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace headrace::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
