// Puts the families together into the three programs and picks one by argv[0].
#include "cli/fronts.h"

#include <filesystem>

#include "headrace/error.h"

namespace headrace::cli {
namespace {

std::vector<Command> Join(std::initializer_list<std::vector<Command>> families) {
  std::vector<Command> all;
  for (const std::vector<Command>& family : families) all.insert(all.end(), family.begin(), family.end());
  return all;
}

// `gcloud alpha ml-engine …` is `gcloud ai-platform …`: the track words go, the old name becomes the new one. Only
// words in front of the first argument that isn't a flag are looked at.
std::vector<std::string> Modernise(std::vector<std::string> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "alpha" || arguments[i] == "beta") {
      arguments.erase(arguments.begin() + i--);
    } else if (arguments[i] == "ml-engine") {
      arguments[i] = "ai-platform";
      break;
    } else if (arguments[i][0] != '-') {
      break;
    }
  }
  return arguments;
}

}  // namespace

const Front& HeadraceFront() {
  static const Front front{"headrace",
                           "Headrace: TensorFlow 1's Estimators and Cloud ML Engine's services on your own machines.",
                           "--quiet|-q --format=FORMAT", Join({ShellCommands(), EngineCommands()})};
  return front;
}

const Front& GcloudFront() {
  static const Front front{
      "gcloud", "gcloud, as far as Headrace's engine answers for it.",
      "-q|--quiet --format=FORMAT --filter=EXPRESSION --limit=N --sort-by=KEY,... --page-size=N "
      "--project=PROJECT --account=ACCOUNT --verbosity=LEVEL --configuration=NAME --uri "
      "--user-output-enabled --log-http",
      Join({ConfigCommands(), AccountCommands(), LocalCommands(), JobCommands(), ModelCommands(), StorageCommands()})};
  return front;
}

int Main(int argc, char** argv) {
  const std::string name = std::filesystem::path(argv[0]).filename();
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string program = name;
  if (program != "gcloud" && program != "gsutil") {
    program = "headrace";
    if (!arguments.empty() && (arguments[0] == "gcloud" || arguments[0] == "gsutil")) {
      program = arguments[0];
      arguments.erase(arguments.begin());
    }
  }
  if (program == "gcloud") return RunFront(GcloudFront(), Modernise(std::move(arguments)));
  if (program == "gsutil") return RunFront(GsutilFront(), arguments);
  return RunFront(HeadraceFront(), arguments);
}

}  // namespace headrace::cli
