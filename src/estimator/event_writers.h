// One event writer a directory in this process, as tf.summary.FileWriterCache has it: hooks that write to the same
// directory share a file.
#pragma once

#include <memory>
#include <string>

#include "formats/event_file.h"

namespace headrace {

std::shared_ptr<EventWriter> EventWriterFor(const std::string& directory);
// Flushes and forgets all writers: the next use of a directory starts a new file (FileWriterCache.clear).
void ClearEventWriters();

}  // namespace headrace
