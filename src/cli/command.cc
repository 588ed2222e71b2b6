// The command table's parser: usage lines to specs, command lines to invocations, typos to suggestions.
#include "cli/command.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

bool TakeSuffix(std::string* text, const std::string& suffix) {
  if (text->size() < suffix.size() || text->compare(text->size() - suffix.size(), suffix.size(), suffix) != 0) {
    return false;
  }
  text->resize(text->size() - suffix.size());
  return true;
}

FlagSpec ParseFlag(std::string token) {
  FlagSpec flag;
  flag.required = TakeSuffix(&token, "!");
  const size_t equals = token.find('=');
  if (equals != std::string::npos) {
    flag.value = token.substr(equals + 1);
    token.resize(equals);
    flag.list = TakeSuffix(&flag.value, ",...");
    if (flag.value.empty()) throw Internal("the flag ", token, " has an empty value name");
  }
  flag.spellings = absl::StrSplit(token, '|');
  flag.name = flag.spellings.back().substr(flag.spellings.back().find_first_not_of('-'));
  return flag;
}

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

const FlagSpec* FindFlag(const std::vector<FlagSpec>& flags, const std::string& spelling) {
  for (const FlagSpec& flag : flags) {
    if (std::find(flag.spellings.begin(), flag.spellings.end(), spelling) != flag.spellings.end()) return &flag;
  }
  return nullptr;
}

std::vector<std::string> Spellings(const std::vector<FlagSpec>& flags) {
  std::vector<std::string> all;
  for (const FlagSpec& flag : flags) all.insert(all.end(), flag.spellings.begin(), flag.spellings.end());
  return all;
}

// Commands of one front, parsed, with the walk down their words.
struct Table {
  explicit Table(const Front& front) : front(front), globals(ParseUsage(front.global_flags).flags) {
    for (const Command& command : front.commands) specs.push_back(ParseUsage(command.usage));
  }

  // The words that may follow `words`; empty when none may.
  std::set<std::string> Next(const std::vector<std::string>& words) const {
    std::set<std::string> next;
    for (const CommandSpec& spec : specs) {
      if (spec.words.size() > words.size() && std::equal(words.begin(), words.end(), spec.words.begin())) {
        next.insert(spec.words[words.size()]);
      }
    }
    return next;
  }

  int Find(const std::vector<std::string>& words) const {
    for (size_t i = 0; i < specs.size(); ++i) {
      if (specs[i].words == words) return static_cast<int>(i);
    }
    return -1;
  }

  std::string Path(const std::vector<std::string>& words) const {
    return words.empty() ? front.name : front.name + "." + absl::StrJoin(words, ".");
  }

  std::string Spoken(const std::vector<std::string>& words) const {
    return words.empty() ? front.name : front.name + " " + absl::StrJoin(words, " ");
  }

  const Front& front;
  std::vector<FlagSpec> globals;
  std::vector<CommandSpec> specs;
};

// One walk over the command line: words first, then the command's own flags and arguments, global flags anywhere.
class Parser {
 public:
  Parser(const Table& table, const std::vector<std::string>& arguments) : table_(table), given_(arguments) {}

  Invocation Parse() {
    for (at_ = 0; at_ < given_.size(); ++at_) {
      const std::string& token = given_[at_];
      if (token == "--" && command_ >= 0) {
        TakeRest();
        break;
      }
      if (token.size() > 1 && token[0] == '-' && !IsNumber(token)) {
        TakeFlag(token);
      } else if (!TakeWord(token)) {
        positional_.push_back(token);
      }
    }
    if (command_ < 0) NoCommand();
    return Finish();
  }

  // What --help was asked about: the words walked so far.
  const std::vector<std::string>& words() const { return words_; }
  bool help() const { return help_; }
  int command() const { return command_; }

 private:
  static bool IsNumber(const std::string& token) {
    return token.find_first_not_of("-0123456789.") == std::string::npos && token != "-" && token != "--";
  }

  bool TakeWord(const std::string& word) {
    if (!positional_.empty()) return false;
    const std::set<std::string> next = table_.Next(words_);
    if (next.count(word)) {
      words_.push_back(word);
      command_ = table_.Find(words_);
      return true;
    }
    if (command_ >= 0) return false;
    if (word == "help" && words_.empty()) {
      help_ = true;
      return true;
    }
    const std::string nearest = Nearest(word, {next.begin(), next.end()});
    std::string message = absl::StrCat("Invalid choice: '", word, "'.");
    if (!nearest.empty()) {
      absl::StrAppend(&message, "\nMaybe you meant:\n  ", table_.Spoken(words_), " ", nearest);
    } else {
      absl::StrAppend(&message, "\nValid choices are: ", absl::StrJoin(next, ", "));
    }
    throw UsageError(table_.Path(words_), message);
  }

  // The spec of a flag: the command's own before the front's.
  const FlagSpec* Lookup(const std::string& spelling) const {
    if (command_ >= 0) {
      if (const FlagSpec* own = FindFlag(table_.specs[command_].flags, spelling)) return own;
    }
    return FindFlag(table_.globals, spelling);
  }

  void TakeFlag(const std::string& token) {
    if (token == "--help") {
      help_ = true;
      return;
    }
    const size_t equals = token.find('=');
    const std::string spelling = token.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = token.substr(equals + 1);
    if (const FlagSpec* flag = Lookup(spelling)) {
      SetFlag(*flag, spelling, value);
    } else if (StartsWith(spelling, "--no-") && Lookup("--" + spelling.substr(5)) &&
               Lookup("--" + spelling.substr(5))->value.empty() && !value) {
      values_[Lookup("--" + spelling.substr(5))->name] = {"false"};
    } else if (!TakeLetters(token)) {
      UnknownFlag(spelling);
    }
  }

  // -lh is -l -h, and -c4 is -c 4.
  bool TakeLetters(const std::string& token) {
    if (StartsWith(token, "--")) return false;
    for (size_t i = 1; i < token.size(); ++i) {
      const FlagSpec* flag = Lookup(absl::StrCat("-", token.substr(i, 1)));
      if (!flag) return false;
      if (!flag->value.empty() && i + 1 < token.size()) {
        SetFlag(*flag, token.substr(0, 2), token.substr(i + 1));
        return true;
      }
      SetFlag(*flag, absl::StrCat("-", token.substr(i, 1)), std::nullopt);
    }
    return true;
  }

  void SetFlag(const FlagSpec& flag, const std::string& spelling, std::optional<std::string> value) {
    if (flag.value.empty()) {
      if (value && *value != "true" && *value != "false") {
        throw UsageError(table_.Path(words_),
                         absl::StrCat("argument ", spelling, ": ignored explicit argument '", *value, "'"));
      }
      values_[flag.name] = {value.value_or("true")};
      return;
    }
    if (!value) {
      if (at_ + 1 >= given_.size() || (StartsWith(given_[at_ + 1], "--") && given_[at_ + 1].size() > 2)) {
        throw UsageError(table_.Path(words_), absl::StrCat("argument ", spelling, ": expected one argument"));
      }
      value = given_[++at_];
    }
    if (flag.list) {
      for (absl::string_view item : absl::StrSplit(*value, ',', absl::SkipEmpty())) {
        values_[flag.name].emplace_back(item);
      }
      values_[flag.name];
    } else {
      values_[flag.name] = {*value};
    }
  }

  [[noreturn]] void UnknownFlag(const std::string& spelling) const {
    std::vector<std::string> known = Spellings(table_.globals);
    if (command_ >= 0) {
      const std::vector<std::string> own = Spellings(table_.specs[command_].flags);
      known.insert(known.end(), own.begin(), own.end());
    }
    const std::string nearest = Nearest(spelling, known);
    throw UsageError(table_.Path(words_),
                     absl::StrCat("unrecognized arguments: ", spelling,
                                  nearest.empty() ? "" : absl::StrCat(" (did you mean '", nearest, "'?)")));
  }

  void TakeRest() {
    if (!table_.specs[command_].takes_rest) {
      positional_.insert(positional_.end(), given_.begin() + at_ + 1, given_.end());
    } else {
      rest_.assign(given_.begin() + at_ + 1, given_.end());
    }
  }

  void NoCommand() {
    if (help_) return;
    throw UsageError(table_.Path(words_),
                     absl::StrCat("Command name argument expected.\nAvailable commands of `", table_.Spoken(words_),
                                  "`:\n  ", absl::StrJoin(table_.Next(words_), "\n  ")));
  }

  Invocation Finish() {
    Invocation call;
    call.front = &table_.front;
    call.path = table_.Path(words_);
    if (help_) return call;
    const CommandSpec& spec = table_.specs[command_];
    call.command = &table_.front.commands[command_];
    call.rest = rest_;
    std::vector<std::string> missing;
    BindArguments(spec, &call, &missing);
    for (const FlagSpec& flag : spec.flags) {
      if (flag.required && !values_.count(flag.name)) missing.push_back(flag.spellings.back());
    }
    if (!missing.empty()) {
      throw UsageError(call.path, absl::StrCat("argument ", absl::StrJoin(missing, " "), ": Must be specified.\n",
                                               "Usage: ", table_.front.name, " ", call.command->usage));
    }
    for (auto& [name, value] : values_) call.SetFlag(name, value);
    return call;
  }

  void BindArguments(const CommandSpec& spec, Invocation* call, std::vector<std::string>* missing) const {
    size_t at = 0;
    for (size_t i = 0; i < spec.arguments.size(); ++i) {
      const ArgumentSpec& argument = spec.arguments[i];
      const size_t needed_later = std::count_if(spec.arguments.begin() + i + 1, spec.arguments.end(),
                                                [](const ArgumentSpec& later) { return !later.optional; });
      const size_t left = positional_.size() - at;
      size_t take = argument.many ? (left > needed_later ? left - needed_later : 0) : std::min<size_t>(left, 1);
      if (argument.optional && left <= needed_later) take = 0;
      if (take == 0 && !argument.optional) missing->push_back(argument.name);
      if (take > 0) {
        call->SetArgument(argument.name, {positional_.begin() + at, positional_.begin() + at + take});
      }
      at += take;
    }
    if (at < positional_.size()) {
      throw UsageError(call->path, absl::StrCat("unrecognized arguments: ",
                                                absl::StrJoin(positional_.begin() + at, positional_.end(), " "),
                                                "\nUsage: ", table_.front.name, " ", call->command->usage));
    }
  }

  const Table& table_;
  const std::vector<std::string>& given_;
  size_t at_ = 0;
  int command_ = -1;
  bool help_ = false;
  std::vector<std::string> words_, positional_, rest_;
  std::map<std::string, std::vector<std::string>> values_;
};

void PrintHelp(const Table& table, const std::vector<std::string>& words) {
  const int command = table.Find(words);
  if (command >= 0) {
    std::cout << table.front.commands[command].help << "\n\n  " << table.front.name << " "
              << table.front.commands[command].usage << "\n";
    if (!table.front.global_flags.empty()) std::cout << "\nEverywhere: " << table.front.global_flags << "\n";
    return;
  }
  std::cout << (words.empty() ? table.front.about : table.Spoken(words)) << "\n\n";
  for (size_t i = 0; i < table.specs.size(); ++i) {
    const std::vector<std::string>& own = table.specs[i].words;
    if (own.size() < words.size() || !std::equal(words.begin(), words.end(), own.begin())) continue;
    const std::string spoken = table.Spoken(own);
    std::cout << "  " << spoken << std::string(spoken.size() < 46 ? 46 - spoken.size() : 1, ' ')
              << table.front.commands[i].help << "\n";
  }
}

}  // namespace

CommandSpec ParseUsage(const std::string& usage) {
  CommandSpec spec;
  for (absl::string_view piece : absl::StrSplit(usage, ' ', absl::SkipEmpty())) {
    std::string token(piece);
    if (token == "--") {
      spec.takes_rest = true;
    } else if (token[0] == '-') {
      spec.flags.push_back(ParseFlag(token));
    } else if (token[0] == '[' || (token[0] >= 'A' && token[0] <= 'Z')) {
      ArgumentSpec argument;
      if (token[0] == '[') {
        if (token.back() != ']') throw Internal("unclosed [ in the usage line: ", usage);
        argument.optional = true;
        token = token.substr(1, token.size() - 2);
      }
      argument.many = TakeSuffix(&token, "...");
      argument.name = token;
      spec.arguments.push_back(argument);
    } else if (spec.arguments.empty() && spec.flags.empty()) {
      spec.words.push_back(token);
    } else {
      throw Internal("the word ", token, " stands behind arguments in the usage line: ", usage);
    }
  }
  return spec;
}

bool Invocation::Switch(const std::string& flag) const {
  return Flag(flag, "false") == "true";
}

std::string Invocation::Flag(const std::string& flag, const std::string& fallback) const {
  return MaybeFlag(flag).value_or(fallback);
}

std::optional<std::string> Invocation::MaybeFlag(const std::string& flag) const {
  const auto found = flags_.find(flag);
  if (found == flags_.end()) return std::nullopt;
  return found->second.empty() ? "" : found->second.front();
}

std::vector<std::string> Invocation::List(const std::string& flag) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? std::vector<std::string>{} : found->second;
}

std::map<std::string, std::string> Invocation::Pairs(const std::string& flag) const {
  std::map<std::string, std::string> pairs;
  for (const std::string& item : List(flag)) {
    const size_t equals = item.find('=');
    if (equals == std::string::npos) {
      throw UsageError(path, absl::StrCat("argument --", flag, ": Bad syntax for dict arg: [", item,
                                          "]; expected KEY=VALUE[,KEY=VALUE...]"));
    }
    pairs[item.substr(0, equals)] = item.substr(equals + 1);
  }
  return pairs;
}

int64_t Invocation::Integer(const std::string& flag, int64_t fallback) const {
  const std::optional<std::string> text = MaybeFlag(flag);
  if (!text) return fallback;
  try {
    size_t used = 0;
    const int64_t value = std::stoll(*text, &used);
    if (used == text->size()) return value;
  } catch (const std::exception&) {
  }
  throw UsageError(path, absl::StrCat("argument --", flag, ": invalid int value: '", *text, "'"));
}

std::string Invocation::Argument(const std::string& name) const {
  const auto found = arguments_.find(name);
  return found == arguments_.end() || found->second.empty() ? "" : found->second.front();
}

std::vector<std::string> Invocation::Arguments(const std::string& name) const {
  const auto found = arguments_.find(name);
  return found == arguments_.end() ? std::vector<std::string>{} : found->second;
}

std::string Nearest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t best = std::max<size_t>(1, word.size() * 2 / 5) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Invocation ParseCommandLine(const Front& front, const std::vector<std::string>& arguments) {
  const Table table(front);
  return Parser(table, arguments).Parse();
}

int RunFront(const Front& front, const std::vector<std::string>& arguments) {
  const Table table(front);
  Parser parser(table, arguments);
  std::string path = front.name;
  try {
    Invocation call = parser.Parse();
    if (parser.help()) {
      PrintHelp(table, parser.words());
      return 0;
    }
    path = call.path;
    return call.command->run(call);
  } catch (const UsageError& error) {
    std::cout.flush();
    std::cerr << "ERROR: (" << error.path() << ") " << error.what() << "\n";
    return 2;
  } catch (const Error& error) {
    std::cout.flush();
    std::cerr << "ERROR: (" << path << ") " << CodeName(error.code()) << ": " << error.what() << "\n";
    return 1;
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "ERROR: (" << path << ") " << error.what() << "\n";
    return 1;
  }
}

}  // namespace headrace::cli
