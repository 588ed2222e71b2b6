// The supervisor of one job: `headrace supervise JOBDIR`. A process of its own session that outlives the engine,
// prepares and runs the job's program, keeps its log, and records how it ended (docs/engine.md).
#pragma once

#include <string>

namespace headrace::engine {

// Runs the job described by JOBDIR/spec.json to its end and returns 0 when the end was recorded in JOBDIR/state.json,
// whatever it was. Returns at once when another supervisor has the job or it has already ended.
int RunSupervisor(const std::string& job_dir);

}  // namespace headrace::engine
