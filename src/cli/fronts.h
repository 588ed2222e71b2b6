// The three programs of the one executable, and the command families they are made of.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace headrace::cli {

// Runs the program that argv[0] names: `gcloud`, `gsutil`, or `headrace`. Returns the exit code.
int Main(int argc, char** argv);

const Front& HeadraceFront();
const Front& GcloudFront();
const Front& GsutilFront();

// The families; each is declared in a file of its own.
std::vector<Command> ShellCommands();   // headrace env, version, sample-data
std::vector<Command> ConfigCommands();  // gcloud config, components

}  // namespace headrace::cli
