// The command table. A command is declared once, by its usage line, from which its words, positional arguments and
// flags are read; the same line is its help:
//   "ai-platform versions create VERSION --model=MODEL! --labels=KEY=VALUE,... --async"
// lower-case words name the command; NAME is a required argument, [NAME] an optional one, NAME... and [NAME...] take
// many; --flag is a switch (--no-flag turns it off), --flag=VALUE takes a value, --flag=VALUE,... a list, a `!` behind
// makes it required, -r|--recursive gives a flag a second spelling, and a closing -- takes all that follows `--`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace headrace::cli {

class Invocation;

struct Command {
  std::string usage;
  std::string help;
  int (*run)(Invocation&);  // returns the exit code; throws headrace::Error
  std::string format = {};  // what --format is when it isn't given (see output.h)
};

// A program: `gcloud`, `gsutil` or `headrace`, with the flags that hold for all its commands.
struct Front {
  std::string name;
  std::string about;
  std::string global_flags;  // in the notation of a usage line
  std::vector<Command> commands;
};

struct FlagSpec {
  std::string name;                    // "recursive": the last spelling, without dashes
  std::vector<std::string> spellings;  // "-r", "--recursive"
  std::string value;                   // "VALUE"; empty for a switch
  bool list = false;
  bool required = false;
};

struct ArgumentSpec {
  std::string name;
  bool optional = false;
  bool many = false;
};

struct CommandSpec {
  std::vector<std::string> words;
  std::vector<ArgumentSpec> arguments;
  std::vector<FlagSpec> flags;
  bool takes_rest = false;
};

// Throws Internal on a malformed usage line: tests parse every line of every table.
CommandSpec ParseUsage(const std::string& usage);

// One call of a command: what was given, by name.
class Invocation {
 public:
  const Front* front = nullptr;
  const Command* command = nullptr;
  std::string path;               // "gcloud.ai-platform.jobs.list", as errors name it
  std::vector<std::string> rest;  // behind `--`

  bool Has(const std::string& flag) const { return flags_.count(flag) > 0; }
  bool Switch(const std::string& flag) const;
  std::string Flag(const std::string& flag, const std::string& fallback = "") const;
  std::optional<std::string> MaybeFlag(const std::string& flag) const;
  std::vector<std::string> List(const std::string& flag) const;
  // --labels=a=b,c=d as a map; InvalidArgument when an item has no `=`.
  std::map<std::string, std::string> Pairs(const std::string& flag) const;
  int64_t Integer(const std::string& flag, int64_t fallback) const;
  std::string Argument(const std::string& name) const;
  std::vector<std::string> Arguments(const std::string& name) const;

  void SetFlag(const std::string& name, std::vector<std::string> values) { flags_[name] = std::move(values); }
  void SetArgument(const std::string& name, std::vector<std::string> values) { arguments_[name] = std::move(values); }

 private:
  std::map<std::string, std::vector<std::string>> flags_, arguments_;
};

// A command line that names no command, an unknown flag, too few arguments: printed, with a suggestion; exit code 2.
class UsageError : public std::exception {
 public:
  UsageError(std::string path, std::string message) : path_(std::move(path)), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_, message_;
};

// The invocation that `arguments` (without the program's name) asks for. Throws UsageError.
Invocation ParseCommandLine(const Front& front, const std::vector<std::string>& arguments);
// Parses, runs, and turns errors into messages on stderr and an exit code: 0, 1 for a failed command, 2 for a usage
// error. `--help` and `help` print what the front, a group or a command offers.
int RunFront(const Front& front, const std::vector<std::string>& arguments);

// The candidate nearest to a mistyped word (two fifths of its letters wrong at most), or "".
std::string Nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace headrace::cli
