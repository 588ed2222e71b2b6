// Prediction requests from files, and predictions as gcloud shows them.
#pragma once

#include "cli/output.h"

namespace headrace::cli {

// {"instances": […]} from the one of --json-instances (a JSON value a line), --text-instances (a string a line) and
// --json-request (the whole request) that was given; `-` is standard input. Throws UsageError unless exactly one was,
// InvalidArgument with the line of what isn't JSON.
Json ReadInstances(const Invocation& call);

// A table of the predictions' keys, or of the bare values; with --format the whole answer.
void PrintPredictions(const Invocation& call, const Json& answer);

}  // namespace headrace::cli
