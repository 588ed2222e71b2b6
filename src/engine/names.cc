// Checks of names, by the rules of the ml v1 and storage v1 APIs.
#include "engine/names.h"

#include <algorithm>
#include <cctype>

#include "headrace/error.h"
#include "kernels/fingerprint.h"

namespace headrace::engine {
namespace {

bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || IsDigit(c);
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if (static_cast<unsigned char>(text[i + k]) >> 6 != 2) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

void CheckProjectId(const std::string& id) {
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == ':' || c == '_';
  });
  if (id.empty() || id.size() > 64 || !plain || !(IsAlpha(id[0]) || IsDigit(id[0]))) {
    throw InvalidArgument(
        "expected a project id of up to 64 letters, digits, '-', '.', ':' and '_' that starts with a "
        "letter or digit, got '",
        id, "'");
  }
}

void CheckMlName(const std::string& kind, const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return IsAlpha(c) || IsDigit(c) || c == '_'; });
  if (name.empty() || name.size() > 128 || !plain || !IsAlpha(name[0])) {
    throw InvalidArgument("Field: ", kind,
                          ".name Error: A name should start with a letter and contain only letters, "
                          "numbers and underscores (128 at most), got '",
                          name, "'");
  }
}

void CheckBucketName(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(),
                                 [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '_' || c == '.'; });
  if (name.size() < 3 || name.size() > 63 || !plain || !IsLowerOrDigit(name.front()) || !IsLowerOrDigit(name.back()) ||
      name.find("..") != name.npos) {
    throw InvalidArgument(
        "expected a bucket name of 3 to 63 lowercase letters, digits, '-', '_' and '.' that starts "
        "and ends with a letter or digit, got '",
        name, "'");
  }
}

void CheckObjectName(const std::string& name) {
  const auto refuse = [&](const char* why) {
    throw InvalidArgument(
        "expected an object name of 1 to 1024 bytes of UTF-8 whose parts between slashes are neither "
        "empty nor '.' nor '..'; got '",
        name.substr(0, 100), "' (", why, ")");
  };
  if (name.empty() || name.size() > 1024) refuse("its length");
  if (!IsUtf8(name)) refuse("not UTF-8");
  for (char c : name) {
    if (c == '\0' || c == '\r' || c == '\n') refuse("a control character");
  }
  std::string_view rest = name;
  if (rest.back() == '/') rest.remove_suffix(1);  // a folder's placeholder
  while (true) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) refuse("an empty part");
    if (part == "." || part == "..") refuse("a part of dots");
    if (part.size() > 255) refuse("a part of more than 255 bytes");
    if (slash == rest.npos) return;
    rest.remove_prefix(slash + 1);
  }
}

std::vector<std::string> ParseName(const std::string& name, std::string_view pattern) {
  std::vector<std::string> parts;
  std::string_view rest = name;
  std::string_view form = pattern;
  while (true) {
    const size_t end = rest.find('/');
    const size_t form_end = form.find('/');
    const std::string_view part = rest.substr(0, end);
    const std::string_view expected = form.substr(0, form_end);
    if (part.empty() || (expected != "*" && part != expected) || (end == rest.npos) != (form_end == form.npos)) {
      throw InvalidArgument("expected a name of the form ", pattern, ", got '", name, "'");
    }
    if (expected == "*") parts.emplace_back(part);
    if (end == rest.npos) return parts;
    rest.remove_prefix(end + 1);
    form.remove_prefix(form_end + 1);
  }
}

std::string ProjectNumber(const std::string& project_id) {
  constexpr uint64_t kSmallest = 100'000'000'000;
  return std::to_string(kSmallest + Fingerprint64(project_id) % (9 * kSmallest));
}

}  // namespace headrace::engine
