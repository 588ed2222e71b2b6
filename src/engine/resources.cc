// Time stamps as the APIs write them.
#include "engine/resources.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace headrace::engine {

std::string FormatTime(int64_t microseconds_since_epoch) {
  const time_t seconds = microseconds_since_epoch / 1000000;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const size_t n = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof(text) - n, ".%06dZ", static_cast<int>(microseconds_since_epoch % 1000000));
  return text;
}

std::string Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return FormatTime(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace headrace::engine
