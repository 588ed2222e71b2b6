// Resource names: what a project, job, model, version, bucket or object may be called, and names taken apart. Names
// become paths on disk, so nothing that passes here can lead out of its directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headrace::engine {

// Each throws InvalidArgument that says what is allowed.
void CheckProjectId(const std::string& id);  // letters, digits, '-', '.', ':', '_'; starts with a letter or digit
void CheckMlName(const std::string& kind, const std::string& name);  // a letter, then letters, digits, '_'; 128 at most
void CheckBucketName(const std::string& name);
void CheckObjectName(const std::string& name);

// "projects/p/models/m" against "projects/*/models/*" -> {"p", "m"}. Throws InvalidArgument when the form differs.
std::vector<std::string> ParseName(const std::string& name, std::string_view pattern);

// The number that goes with a project's id: twelve digits, the same at any time and on any machine.
std::string ProjectNumber(const std::string& project_id);

}  // namespace headrace::engine
