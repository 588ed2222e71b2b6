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
std::vector<Command> ShellCommands();    // headrace env, version, sample-data
std::vector<Command> EngineCommands();   // headrace start, stop, status, engine, supervise, replica
std::vector<Command> ConfigCommands();   // gcloud config, components
std::vector<Command> AccountCommands();  // gcloud auth, projects
std::vector<Command> LocalCommands();    // gcloud ai-platform local
std::vector<Command> JobCommands();      // gcloud ai-platform jobs
std::vector<Command> ModelCommands();    // gcloud ai-platform models, versions, operations, predict
std::vector<Command> StorageCommands();  // gcloud storage

}  // namespace headrace::cli
