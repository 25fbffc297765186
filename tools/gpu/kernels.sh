#!/usr/bin/env bash
# Every kernel against its reference on the device: the tests' odd shapes, then real ones.
set -uo pipefail
part=kernels
failed=0
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for test in $("$programs/cuda_tests_on_gpu"); do
  step "$test" 60 "$programs/cuda_tests_on_gpu" "$test"
done
for op in $("$programs/cuda_bench" --ops); do
  step "real shapes: $op" 180 "$programs/cuda_bench" --check --op "$op" --seconds 170 \
    --json "$out/$part/$op.jsonl"
done
exit $failed
