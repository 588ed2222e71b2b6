// Where the engine's URIs lie on this machine, and copies that are on disk before they count.
#pragma once

#include <string>

namespace headrace::engine {

// "gs://B/x" is the file x of bucket B; an absolute path is itself. Throws InvalidArgument for anything else or a name
// that could leave its bucket.
std::string LocalPath(const std::string& uri);

// Copies a directory with all that is in it; every file is synced. Throws NotFound, ResourceExhausted.
void CopyTree(const std::string& from, const std::string& to);

// Makes a file's bytes, and a directory's names, survive a power loss.
void SyncFile(const std::string& path);

}  // namespace headrace::engine
