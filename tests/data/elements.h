// Reading datasets to their end, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headrace/dataset.h"
#include "headrace/session.h"

namespace headrace {

// One step of an iterator as text: the components, or the error.
inline std::string StepText(Session& session, const std::vector<Output>& fetches, bool* end) {
  try {
    std::string text;
    for (const Tensor& component : session.Run(fetches)) text += (text.empty() ? "" : " | ") + component.ToString(1000);
    return text;
  } catch (const Error& error) {
    *end = error.code() == Code::kOutOfRange;
    std::string text = std::string(CodeName(error.code())) + ": " + error.what();
    return text.substr(0, text.find(" [op "));
  }
}

// The first `limit` steps of the dataset that `build` makes, with the end or errors among them. `fetch` picks
// components; empty: all.
inline std::vector<std::string> Steps(const std::function<Dataset()>& build, bool vectorise = true, int limit = 200,
                                      const std::vector<size_t>& fetch = {}) {
  setenv("HEADRACE_VECTORISE", vectorise ? "1" : "0", 1);
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const std::vector<Output> all = build().GetNext().flat();
  std::vector<Output> fetches;
  for (const size_t i : fetch) fetches.push_back(all[i]);
  if (fetch.empty()) fetches = all;
  Session session(graph);
  std::vector<std::string> steps;
  bool end = false;
  while (!end && static_cast<int>(steps.size()) < limit) steps.push_back(StepText(session, fetches, &end));
  return steps;
}

inline const std::string kEnd = "OUT_OF_RANGE: End of sequence";

}  // namespace headrace
