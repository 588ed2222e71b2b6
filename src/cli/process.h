// Running another program.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace headrace::cli {

struct ProcessResult {
  int status = 0;      // the exit code; 128 + the signal's number when one ended it
  std::string output;  // standard output and error together
};

// `environment` is put over this process's own. Throws NotFound when the program can't be started.
ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment);

// With this process's own standard streams; Ctrl-C reaches the program, whose exit code is returned.
int RunAttached(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                const std::string& directory);

}  // namespace headrace::cli
