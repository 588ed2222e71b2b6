#!/bin/bash
# Runs the fuzz targets of a build, each for some seconds, from its own seeds and from what earlier runs kept.
# usage: tools/fuzz.sh BUILD SECONDS [TARGET...]     BUILD/corpus/TARGET: the inputs; BUILD/findings: those that failed
set -uo pipefail
build=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(cd "$build/bin" && ls *_fuzz)
mkdir -p "$build/findings"
# An allocation that cannot be met gives null, as it does in production.
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1

# Leaks are looked for at a target's end, not after inputs: what the threads of pipelines just pass on looks like one.
failed=()
for target in "$@"; do
  corpus=$build/corpus/$target log=$build/findings/$target.log
  mkdir -p "$corpus"
  echo "$target, $seconds seconds"
  if HEADRACE_FUZZ_SEEDS=$corpus "$build/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -detect_leaks=0 \
    -artifact_prefix="$build/findings/$target-" -print_final_stats=1 "$corpus" >"$log" 2>&1; then
    grep -E 'cov:' "$log" | tail -1
  else
    failed+=("$target")
    grep -E -A15 '== *ERROR|runtime error|terminate called|Test unit written' "$log" | head -50
  fi
done
[ ${#failed[@]} -eq 0 ] || { echo "Failed: ${failed[*]}; inputs and logs are in $build/findings" >&2; exit 1; }
