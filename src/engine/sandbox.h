// The bubblewrap command that a job's program runs under, where the kernel allows it: the machine's files read-only, a
// private /tmp, and only the given places writable.
#pragma once

#include <string>
#include <vector>

#include "engine/job_files.h"

namespace headrace::engine {

// Whether bwrap is there and may make name spaces. `why_not` is set to one line when it isn't so.
bool SandboxWorks(std::string* why_not);

// spec.command wrapped in bwrap and its flags.
std::vector<std::string> SandboxedCommand(const JobSpec& spec);

}  // namespace headrace::engine
