// gcloud auth and projects: who asks, and for which project.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/engine_client.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "headrace/error.h"
#include "http/url.h"

namespace headrace::cli {
namespace {

int PrintAccessToken(Invocation& call) {
  const engine::RunningEngine engine = EnsureEngine();
  if (call.Has("format")) {
    Print(call, {{"token", engine.token}});
  } else {
    std::cout << engine.token << "\n";
  }
  return 0;
}

int ListAccounts(Invocation& call) {
  Print(call, Json::array({{{"account", EnsureEngine().account}, {"status", "ACTIVE"}}}));
  return 0;
}

int ConfigHelper(Invocation& call) {
  const engine::RunningEngine engine = EnsureEngine();
  Json properties = Json::object();
  for (const auto& [property, value] : ReadProperties()) {
    const size_t slash = property.find('/');
    properties[property.substr(0, slash)][property.substr(slash + 1)] = value;
  }
  Print(call, {{"configuration", {{"active_configuration", "default"}, {"properties", properties}}},
               {"credential", {{"access_token", engine.token}}}});
  return 0;
}

// The engine knows projects by what they hold; a project's number is in its service account's configuration.
Json Project(const std::string& id) {
  const Json config = EngineClient().Get(absl::StrCat("/v1/projects/", http::PercentEncode(id), ":getConfig"));
  return {{"lifecycleState", "ACTIVE"},
          {"name", id},
          {"projectId", id},
          {"projectNumber", config.value("serviceAccountProject", "")}};
}

int DescribeProject(Invocation& call) {
  Print(call, Project(call.Argument("PROJECT")));
  return 0;
}

int ListProjects(Invocation& call) {
  Print(call, Json::array({Project(ProjectOf(call))}));
  return 0;
}

}  // namespace

std::vector<Command> AccountCommands() {
  return {
      {"auth print-access-token [ACCOUNT]", "Prints the bearer token of the REST APIs", PrintAccessToken},
      {"auth application-default print-access-token", "Prints the bearer token of the REST APIs", PrintAccessToken},
      {"auth list", "Lists accounts", ListAccounts, "table(status:label=ACTIVE, account)"},
      {"config config-helper --force-auth-refresh", "Shows the configuration and the token to programs", ConfigHelper},
      {"projects describe PROJECT", "Shows a project", DescribeProject},
      {"projects list", "Lists the current project", ListProjects, "table(projectId, name, projectNumber)"},
  };
}

}  // namespace headrace::cli
