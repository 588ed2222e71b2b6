// The cache of event writers.
#include "estimator/event_writers.h"

#include <map>
#include <mutex>

namespace headrace {
namespace {

struct Writers {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<EventWriter>> by_directory;
};

Writers& Cache() {
  static Writers writers;
  return writers;
}

}  // namespace

std::shared_ptr<EventWriter> EventWriterFor(const std::string& directory) {
  const std::lock_guard lock(Cache().mutex);
  auto& writer = Cache().by_directory[directory];
  if (!writer) writer = std::make_shared<EventWriter>(directory);
  return writer;
}

void ClearEventWriters() {
  const std::lock_guard lock(Cache().mutex);
  for (auto& [directory, writer] : Cache().by_directory) writer->Flush();
  Cache().by_directory.clear();
}

}  // namespace headrace
