// A sorted table of keys and values in one file, in LevelDB's table format: the form of a checkpoint's index.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace headrace {

// The bytes of a table with these entries, uncompressed, laid out as TensorFlow lays them out.
std::string BuildTable(const std::map<std::string, std::string>& entries);

// All entries of a table. Blocks may be compressed by Snappy. Errors: DataLoss, naming `path`, for anything damaged.
std::map<std::string, std::string> ReadTable(std::string_view bytes, const std::string& path);

}  // namespace headrace
