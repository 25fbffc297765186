#!/usr/bin/env bash
# compute-sanitizer's memcheck and racecheck over every kernel: the benchmark's cases at small shapes,
# then the tests, as far as nine minutes go.
set -uo pipefail
part=sanitizer
failed=0
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sanitizer=$(command -v compute-sanitizer || find /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
if [ -z "$sanitizer" ]; then
  record $part compute-sanitizer skipped 0 "not installed: it is part of the CUDA toolkit"
  exit 0
fi
for op in $("$programs/cuda_bench" --ops); do
  for tool in memcheck racecheck; do
    step "$tool $op" 60 "$sanitizer" --tool $tool --error-exitcode 1 \
      "$programs/cuda_bench" --check --small --op "$op"
  done
done
for test in $("$programs/cuda_tests_on_gpu"); do
  case $test in cuda_*) ;; *) continue ;; esac # the others hold the emulator against a GPU
  for tool in memcheck racecheck; do
    if [ "$(left)" -lt 30 ]; then
      record $part "$tool $test" skipped 0 "no time left"
      continue
    fi
    step "$tool $test" 60 "$sanitizer" --tool $tool --error-exitcode 1 \
      "$programs/cuda_tests_on_gpu" "$test"
  done
done
exit $failed
