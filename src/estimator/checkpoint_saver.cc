// The hook that keeps checkpoints: at the start, every so often, at the end, and when a run is interrupted.
#include "estimator/event_writers.h"
#include "formats/graph_def.h"
#include "formats/saved_model.h"
#include "headrace/file_system.h"
#include "headrace/hooks.h"
#include "headrace/log.h"

namespace headrace {

CheckpointSaverHook::CheckpointSaverHook(CheckpointSaverOptions options)
    : options_(std::move(options)), timer_(options_.save_secs, options_.save_steps) {
  LogInfo("Create CheckpointSaverHook.");
  if (options_.save_secs.has_value() == options_.save_steps.has_value()) {
    throw InvalidArgument("exactly one of save_secs and save_steps should be provided.");
  }
}

void CheckpointSaverHook::Begin() {
  if (!options_.saver && !options_.saver_follows) options_.saver = std::make_shared<Saver>();
  for (const auto& listener : options_.listeners) listener->Begin();
}

void CheckpointSaverHook::AfterCreateSession(Session& session, int64_t global_step) {
  MakeDirs(options_.checkpoint_dir);
  const Graph& graph = *session.graph();
  WriteFileAtomically(JoinPath(options_.checkpoint_dir, "graph.pbtxt"), GraphToText(graph, {.add_shapes = true}));
  const auto events = EventWriterFor(options_.checkpoint_dir);
  events->AddGraph(graph);
  events->AddMetaGraph(SerializeMetaGraph(graph, {}));
  Save(session, global_step);
  timer_.Update(global_step);
}

void CheckpointSaverHook::AfterRun(SessionRunContext& context, std::span<const Tensor>) {
  const int64_t step = context.global_step();
  if (!timer_.ShouldTrigger(step)) return;
  timer_.Update(step);
  if (Save(context.session(), step)) context.RequestStop();
}

void CheckpointSaverHook::End(Session& session, int64_t global_step) {
  SaveLast(session, global_step);
  for (const auto& listener : options_.listeners) listener->End(session, global_step);
}

void CheckpointSaverHook::SaveLast(Session& session, int64_t global_step) {
  if (timer_.last_step() == global_step) return;
  timer_.Update(global_step);
  Save(session, global_step);
}

bool CheckpointSaverHook::Save(Session& session, int64_t global_step) {
  const std::string prefix = JoinPath(options_.checkpoint_dir, options_.checkpoint_basename);
  for (const auto& listener : options_.listeners) listener->BeforeSave(session, global_step);
  LogInfo("Saving checkpoints for ", global_step, " into ", prefix, ".");
  const std::string path = options_.saver->Save(session, prefix, global_step);
  const auto events = EventWriterFor(options_.checkpoint_dir);
  events->AddSessionLog(SessionStatus::kCheckpoint, global_step, path);
  events->Flush();
  bool stop = false;
  for (const auto& listener : options_.listeners) {
    if (listener->AfterSave(session, global_step)) {
      LogInfo("A CheckpointSaverListener requested that training be stopped.");
      stop = true;
    }
  }
  return stop;
}

}  // namespace headrace
