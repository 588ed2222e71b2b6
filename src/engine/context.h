// What the engine's services share: options, store, and a way to do something later.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "engine/engine.h"
#include "engine/store.h"

namespace headrace::engine {

struct Context {
  EngineOptions options;
  bool sandbox = false;  // whether bubblewrap works here
  Store& store;
  // Runs a task on a worker thread after a delay; dropped when the engine stops.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> later;
  // Set when the engine begins to stop: who waits for something gives up.
  std::atomic<bool> stopping{false};

  std::string Home(const std::string& path) const { return options.home + "/" + path; }
};

}  // namespace headrace::engine
