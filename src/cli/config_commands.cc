// gcloud config, components, info: what lives in the properties file.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/output.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

int Set(Invocation& call) {
  const std::string property = CanonicalProperty(call.Argument("PROPERTY"));
  WriteProperty(property, call.Argument("VALUE"));
  Note(absl::StrCat("Updated property [", property, "]."));
  return 0;
}

int Unset(Invocation& call) {
  const std::string property = CanonicalProperty(call.Argument("PROPERTY"));
  WriteProperty(property, std::nullopt);
  Note(absl::StrCat("Unset property [", property, "]."));
  return 0;
}

int GetValue(Invocation& call) {
  const auto value = ReadProperty(CanonicalProperty(call.Argument("PROPERTY")));
  if (!value) {
    Note("(unset)");
    return 0;
  }
  if (call.Has("format")) {
    Print(call, *value);
  } else {
    std::cout << *value << "\n";
  }
  return 0;
}

Json Sections() {
  Json sections = Json::object();
  for (const auto& [property, value] : ReadProperties()) {
    const size_t slash = property.find('/');
    sections[property.substr(0, slash)][property.substr(slash + 1)] = value;
  }
  return sections;
}

int List(Invocation& call) {
  const Json sections = Sections();
  if (call.Has("format")) {
    Print(call, sections);
    return 0;
  }
  for (const auto& [section, properties] : sections.items()) {
    std::cout << "[" << section << "]\n";
    for (const auto& [name, value] : properties.items()) std::cout << name << " = " << ScalarText(value) << "\n";
  }
  Note("\nYour active configuration is: [default]");
  return 0;
}

int Components(Invocation& call) {
  Note("All components are up to date: Headrace brings all that its commands need.");
  return 0;
}

}  // namespace

std::vector<Command> ConfigCommands() {
  return {
      {"config set PROPERTY VALUE", "Sets a property: project, account, compute/region, compute/zone", Set},
      {"config unset PROPERTY", "Unsets a property", Unset},
      {"config get-value PROPERTY", "Prints a property's value", GetValue, "value(.)"},
      {"config get PROPERTY", "Prints a property's value", GetValue, "value(.)"},
      {"config list [PROPERTY]", "Lists the properties that are set", List},
      {"components update [COMPONENT...] --version=VERSION", "Answers that nothing is needed", Components},
      {"components install COMPONENT...", "Answers that nothing is needed", Components},
  };
}

}  // namespace headrace::cli
