// The language of --filter: a recursive-descent reader that evaluates as it reads.
#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cli/output.h"
#include "headrace/error.h"
#include "re2/re2.h"

namespace headrace::cli {
namespace {

// `trial*` matches a prefix, anything else must be found among the words of the text or inside it.
bool HasPattern(const std::string& text, const std::string& pattern) {
  const std::string lower = absl::AsciiStrToLower(text), wanted = absl::AsciiStrToLower(pattern);
  if (wanted == "*") return !text.empty();
  if (wanted.back() == '*') return absl::StartsWith(lower, wanted.substr(0, wanted.size() - 1));
  return lower.find(wanted) != std::string::npos;
}

bool AnyValue(const Json& value, const std::string& pattern) {
  if (!value.is_structured()) return !value.is_null() && HasPattern(ScalarText(value), pattern);
  return std::any_of(value.begin(), value.end(), [&](const Json& item) { return AnyValue(item, pattern); });
}

int Compare(const Json& value, const std::string& operand) {
  double left, right;
  const std::string text = ScalarText(value);
  if (absl::SimpleAtod(text, &left) && absl::SimpleAtod(operand, &right)) return (left > right) - (left < right);
  return text.compare(operand);
}

bool Test(const Json& value, const std::string& op, const std::string& operand) {
  if (value.is_array() && op != "!=") {
    return std::any_of(value.begin(), value.end(), [&](const Json& item) { return Test(item, op, operand); });
  }
  const std::string text = ScalarText(value);
  if (op == ":") {
    if (value.is_object()) return value.contains(operand) || (operand == "*" && !value.empty());
    return !value.is_null() && HasPattern(text, operand);
  }
  if (op == "~" || op == "!~") {
    const RE2 pattern(operand, RE2::Quiet);
    if (!pattern.ok()) throw InvalidArgument("bad regular expression [", operand, "] in --filter: ", pattern.error());
    return RE2::PartialMatch(text, pattern) == (op == "~");
  }
  if (op == "=" || op == "!=") {
    const bool same = !value.is_null() && (absl::EqualsIgnoreCase(text, operand) || Compare(value, operand) == 0);
    return same == (op == "=");
  }
  if (value.is_null()) return false;
  const int order = Compare(value, operand);
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

class FilterReader {
 public:
  FilterReader(const Json& resource, const std::string& text) : resource_(resource), text_(text) {}

  bool Read() {
    const bool result = Or();
    Space();
    if (at_ < text_.size()) Fail("unexpected text");
    return result;
  }

 private:
  // Every operand is read even when the result is already known, so that a malformed tail is always an error.
  bool Or() {
    bool result = And();
    while (Word("OR")) result = And() || result;
    return result;
  }

  bool And() {
    bool result = Term();
    while (true) {
      const bool joined = Word("AND");
      Space();
      if (!joined && (at_ >= text_.size() || text_[at_] == ')' || Peek("OR"))) return result;
      result = Term() && result;
    }
  }

  bool Term() {
    Space();
    if (Word("NOT")) return !Term();
    if (at_ < text_.size() && text_[at_] == '-') {
      ++at_;
      return !Term();
    }
    if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      const bool result = Or();
      Space();
      if (at_ >= text_.size() || text_[at_] != ')') Fail("expected )");
      ++at_;
      return result;
    }
    return Comparison();
  }

  bool Comparison() {
    const std::string key = Operand("=!<>:~ ()");
    if (key.empty()) Fail("expected a key or a word");
    Space();
    for (const char* op : {"!=", "!~", "<=", ">=", "=", "<", ">", ":", "~"}) {
      if (text_.compare(at_, std::string(op).size(), op) != 0) continue;
      at_ += std::string(op).size();
      Space();
      const Json value = Resolve(resource_, absl::StrSplit(key, '.'));
      if (at_ < text_.size() && text_[at_] == '(') return Alternatives(value, op);
      const std::string operand = Operand(" ()");
      if (operand.empty()) Fail("expected a value");
      return Test(value, op, operand);
    }
    return AnyValue(resource_, key);
  }

  // key:(a b c): any of them.
  bool Alternatives(const Json& value, const std::string& op) {
    ++at_;
    bool result = false;
    for (Space(); at_ < text_.size() && text_[at_] != ')'; Space()) {
      const std::string operand = Operand(" ,()");
      if (operand.empty()) {
        if (text_[at_] != ',') Fail("expected a value");
        ++at_;
        continue;
      }
      result = Test(value, op, operand) || result;
    }
    if (at_ >= text_.size()) Fail("expected )");
    ++at_;
    return result;
  }

  std::string Operand(const std::string& stop) {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const size_t close = text_.find(text_[at_], at_ + 1);
      if (close == std::string::npos) Fail("unclosed quote");
      std::string inside = text_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
      return inside;
    }
    const size_t end = std::min(text_.find_first_of(stop, at_), text_.size());
    std::string word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  void Space() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
  }

  bool Peek(const std::string& word) {
    Space();
    const size_t end = at_ + word.size();
    return text_.compare(at_, word.size(), word) == 0 &&
           (end == text_.size() || absl::ascii_isspace(text_[end]) || text_[end] == '(');
  }

  bool Word(const std::string& word) {
    if (!Peek(word)) return false;
    at_ += word.size();
    return true;
  }

  [[noreturn]] void Fail(const char* what) const {
    throw InvalidArgument(what, " at position ", at_, " of --filter [", text_, "]");
  }

  const Json& resource_;
  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

bool Matches(const Json& resource, const std::string& filter) {
  return FilterReader(resource, filter).Read();
}

}  // namespace headrace::cli
