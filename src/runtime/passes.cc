// The list of passes, and what is done around each of them.
#include "runtime/passes.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace headrace {
namespace {

constexpr Pass kPasses[] = {
    {"raise_loops", RaiseLoops, true},
    {"read_variables", ReadVariables, true},
    {"forward_identities", ForwardIdentities},
    {"fold_constants", FoldConstants},
    {"merge_common", MergeCommon},
    {"lower", Lower},
    {"fuse_elementwise", FuseElementwise},
    {"fuse_epilogues", FuseEpilogues},
};

std::set<std::string, std::less<>> DisabledPasses() {
  std::set<std::string, std::less<>> disabled;
  const char* given = std::getenv("HEADRACE_DISABLE_PASSES");
  std::istringstream names(given ? given : "");
  for (std::string name; std::getline(names, name, ',');) {
    if (name.empty()) continue;
    const auto pass =
        std::ranges::find(kPasses, std::string_view(name), [](const Pass& p) { return std::string_view(p.name); });
    std::string all;
    for (const Pass& known : kPasses) all += known.required ? "" : (all.empty() ? "" : ", ") + std::string(known.name);
    if (pass == std::end(kPasses)) {
      throw InvalidArgument("HEADRACE_DISABLE_PASSES names '", name, "', which is no pass; there are ", all);
    }
    if (pass->required) throw InvalidArgument("HEADRACE_DISABLE_PASSES names '", name, "', which every plan needs");
    disabled.insert(name);
  }
  return disabled;
}

bool VerifiesPasses() {
  const char* given = std::getenv("HEADRACE_VERIFY_PASSES");
  return given && std::string_view(given) != "0" && *given;
}

}  // namespace

std::span<const Pass> Passes() {
  return kPasses;
}

PlanGraph RunPasses(PlanGraph plan, const PlanOptions& options, const Cancellation* cancellation) {
  const auto disabled = DisabledPasses();
  const bool verify = VerifiesPasses();
  std::optional<PlanInvariants> invariants;
  if (verify) invariants.emplace(plan).Check(plan, "copying the user's graph");
  std::ostringstream times;
  times << std::fixed << std::setprecision(2) << "passes:";
  for (const Pass& pass : kPasses) {
    if (!pass.required && (!options.optimize || disabled.contains(pass.name))) continue;
    if (cancellation && cancellation->cancelled()) throw Cancelled("the run was cancelled while its plan was made");
    const auto start = std::chrono::steady_clock::now();
    plan = pass.run(std::move(plan), options);
    times << " " << pass.name << " "
          << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() << " ms";
    if (invariants) invariants->Check(plan, pass.name);
  }
  plan.notes.push_back(times.str());
  return plan;
}

}  // namespace headrace
