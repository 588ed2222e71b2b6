// Making sessions ready, and running steps with hooks.
#include "estimator/step_loop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>

#include "headrace/log.h"

namespace headrace {
namespace {

std::atomic<int> interrupts{0};
std::atomic<int> watches{0};
std::mutex poll_mutex;
std::shared_ptr<const std::function<void()>> interrupt_poll;
struct sigaction previous_action;

void CountInterrupt(int) {
  if (++interrupts > 1) {  // the loop doesn't react: let the second one end the process
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
}

std::shared_ptr<const std::function<void()>> InterruptPoll() {
  const std::lock_guard lock(poll_mutex);
  return interrupt_poll;
}

}  // namespace

void SetInterruptPoll(std::function<void()> poll) {
  const std::lock_guard lock(poll_mutex);
  interrupt_poll = poll ? std::make_shared<const std::function<void()>>(std::move(poll)) : nullptr;
}

InterruptWatch::InterruptWatch() : next_(std::chrono::steady_clock::now()) {
  if (InterruptPoll()) return;
  handles_signal_ = true;
  if (watches++ == 0) {
    interrupts = 0;
    struct sigaction action = {};
    action.sa_handler = CountInterrupt;
    sigaction(SIGINT, &action, &previous_action);
  }
}

InterruptWatch::~InterruptWatch() {
  if (handles_signal_ && --watches == 0) sigaction(SIGINT, &previous_action, nullptr);
}

void InterruptWatch::Check() {
  if (handles_signal_) {
    if (interrupts > 0) throw Cancelled("interrupted (SIGINT)");
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  if (const auto poll = InterruptPoll()) (*poll)();
}

// ---------------------------------------------------------------------------------------------------------- sessions

SessionSetup SetupFrom(const Scaffold& scaffold, const RunConfig& config) {
  Graph& graph = Graph::Current();
  const NameScope root("");
  SessionSetup setup;
  setup.init = scaffold.init ? scaffold.init : GlobalVariablesInitializer();
  setup.local_init = scaffold.local_init;
  if (!setup.local_init) {
    std::vector<Node*> tables;
    for (const CollectionItem& item : graph.collection(keys::kTableInitializers)) {
      if (Node* const* node = std::get_if<Node*>(&item)) tables.push_back(*node);
      if (const Output* output = std::get_if<Output>(&item)) tables.push_back(output->node);
    }
    Node* locals = LocalVariablesInitializer();
    setup.local_init = Group({locals, Group(tables, "init_all_tables")});
  }
  setup.init_fn = scaffold.init_fn;
  setup.saver = scaffold.saver;
  if (!setup.saver) {
    setup.saver =
        std::make_shared<Saver>(SaverOptions{.max_to_keep = config.keep_checkpoint_max,
                                             .keep_checkpoint_every_n_hours = config.keep_checkpoint_every_n_hours,
                                             .allow_empty = true});
  }
  return setup;
}

std::unique_ptr<Session> StartSession(std::shared_ptr<Graph> graph, const SessionSetup& setup) {
  graph->Finalize();
  LogInfo("Graph was finalized.");
  auto session = std::make_unique<Session>(std::move(graph));
  if (!setup.checkpoint.empty()) {
    LogInfo("Restoring parameters from ", setup.checkpoint);
    setup.saver->Restore(*session, setup.checkpoint);
  } else {
    session->Run({}, {}, {setup.init});
    if (setup.init_fn) setup.init_fn(*session);
  }
  LogInfo("Running local_init_op.");
  session->Run({}, {}, {setup.local_init});
  LogInfo("Done running local_init_op.");
  return session;
}

// ------------------------------------------------------------------------------------------------------------- steps

StepLoop::StepLoop(Session& session, Hooks hooks, std::vector<Output> fetches, std::vector<Node*> targets,
                   Output step_after, int64_t global_step)
    : session_(session),
      hooks_(std::move(hooks)),
      fetches_(std::move(fetches)),
      targets_(std::move(targets)),
      has_step_(static_cast<bool>(step_after)),
      context_(session, global_step, {.fetches = fetches_, .targets = targets_}) {
  if (has_step_) fetches_.push_back(step_after);
  for (const auto& hook : hooks_) {
    if (hook->RunsEveryStep()) stepping_.push_back(hook);
  }
  wanted_.resize(stepping_.size());
}

void StepLoop::Start() {
  for (const auto& hook : hooks_) hook->AfterCreateSession(session_, context_.global_step());
}

bool StepLoop::Wish::SameAs(const SessionRunArgs* args) const {
  if (!args) return fetches.empty() && feeds.empty() && targets.empty();
  return fetches == args->fetches && targets == args->targets &&
         std::equal(feeds.begin(), feeds.end(), args->feeds.begin(), args->feeds.end(),
                    [](const Output& known, const auto& fed) { return known == fed.first; });
}

// A hook that asks for something else in each step would keep plans for ever: the one not used for longest goes.
StepLoop::Prepared& StepLoop::Find(const std::vector<const SessionRunArgs*>& wanted) {
  constexpr size_t kMostPrepared = 32;
  for (size_t i = prepared_.size(); i-- > 0;) {
    const auto& wishes = prepared_[i]->wishes;
    const bool same = std::equal(wishes.begin(), wishes.end(), wanted.begin(), wanted.end(),
                                 [](const Wish& wish, const SessionRunArgs* args) { return wish.SameAs(args); });
    if (!same) continue;
    std::rotate(prepared_.begin() + static_cast<std::ptrdiff_t>(i),
                prepared_.begin() + static_cast<std::ptrdiff_t>(i) + 1, prepared_.end());
    return *prepared_.back();
  }
  auto prepared = std::make_unique<Prepared>();
  prepared->fetches = fetches_;
  std::vector<Node*> targets = targets_;
  for (const SessionRunArgs* args : wanted) {
    Wish& wish = prepared->wishes.emplace_back();
    if (!args) continue;
    wish.fetches = args->fetches;
    wish.targets = args->targets;
    for (const auto& [output, value] : args->feeds) wish.feeds.push_back(output);
    prepared->fetches.insert(prepared->fetches.end(), wish.fetches.begin(), wish.fetches.end());
    prepared->feeds.insert(prepared->feeds.end(), wish.feeds.begin(), wish.feeds.end());
    targets.insert(targets.end(), wish.targets.begin(), wish.targets.end());
  }
  prepared->callable = session_.MakeCallable(prepared->feeds, prepared->fetches, targets);
  if (prepared_.size() >= kMostPrepared) prepared_.erase(prepared_.begin());
  prepared_.push_back(std::move(prepared));
  return *prepared_.back();
}

const std::vector<Tensor>* StepLoop::Step() {
  try {
    return context_.stop_requested() ? nullptr : RunStep();
  } catch (const Error& error) {
    if (error.code() != Code::kOutOfRange) throw;
    return nullptr;  // the end of the input, or of what a hook wants
  }
}

const std::vector<Tensor>* StepLoop::RunStep() {
  for (size_t i = 0; i < stepping_.size(); ++i) wanted_[i] = stepping_[i]->BeforeRun(context_);
  const Prepared& prepared = Find(wanted_);
  feed_values_.clear();
  if (!prepared.feeds.empty()) {
    for (const SessionRunArgs* args : wanted_) {
      if (!args) continue;
      for (const auto& [output, value] : args->feeds) feed_values_.push_back(value);
    }
  }
  Cancellation cancellation;  // a step may be long: an interrupt is heard within it
  cancellation.SetPoll([this] {
    interrupts_.Check();
    return false;
  });
  values_ = prepared.callable(feed_values_, &cancellation);
  if (has_step_) context_.set_global_step(values_[fetches_.size() - 1].AsInt64());
  size_t next = fetches_.size();
  for (size_t i = 0; i < stepping_.size(); ++i) {
    const size_t count = wanted_[i] ? wanted_[i]->fetches.size() : 0;
    stepping_[i]->AfterRun(context_, std::span(values_).subspan(next, count));
    next += count;
  }
  return &values_;
}

void StepLoop::End() {
  for (const auto& hook : hooks_) hook->End(session_, context_.global_step());
}

}  // namespace headrace
