# What the parts of gpu-check share: where things lie, how a step runs and is recorded. Sourced.
# shellcheck shell=bash disable=SC2034,SC2154 # variables of the scripts that source this, and for them
home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${GPU_CHECK_OUT:?run tools/gpu-check}
device=${GPU_CHECK_DEVICE:?run tools/gpu-check}
began=$SECONDS

if [ -d "$home/runtime" ]; then # a bundle
  programs=$home/bin
  java=$home/runtime/bin/java
  classes="$home/lib/*"
  fixtures=$home/fixtures
else
  programs=$home/native/target/cmake
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  classes="$home/cli/target/natives:$home/cli/target/classes:$home/cli/target/lib/*"
  fixtures=$home/src/test/fixtures
fi
if [ ! -x "$programs/cuda_bench" ] || [ ! -x "$programs/cuda_tests_on_gpu" ]; then
  echo "gpu-check: no cuda_bench and cuda_tests_on_gpu in $programs: build with nvcc (mvn package), or unpack a bundle" >&2
  exit 1
fi

# The command line of baichuan4j.
baichuan() {
  LC_ALL=C.UTF-8 "$java" -Dorg.bytedeco.javacpp.cachedir="$out/javacpp" -Dbaichuan4j.root="$home" \
    -cp "$classes" dev.baichuan4j.cli.Main "$@"
}

# record PART STEP passed|failed|skipped SECONDS NOTE: a line of PART/steps.tsv.
record() {
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "${5//[$'\t\n\r']/ }" >>"$out/$1/steps.tsv"
  printf '%-8s %s (%s s) %s\n' "$3" "$2" "$4" "$5"
}

# Seconds that a step of this part may still take; a part has 9 minutes.
left() { echo $((525 - (SECONDS - began))); }

# step NAME SECONDS COMMAND...: runs a command or a function of this shell for at most SECONDS, with its
# output in PART/NAME.log, and records how it ended. The part goes on in any case. Exit code 77 is
# "skipped". A step may leave a line for the report in PART/NAME.note.
step() {
  local name=$1 limit=$2 start=$SECONDS status=0 log note state
  shift 2
  log=$out/$part/${name//[^a-zA-Z0-9_.-]/_}
  if [ "$(left)" -lt "$limit" ]; then limit=$(left); fi
  if [ "$limit" -lt 5 ]; then
    record "$part" "$name" failed 0 "left out: no time left"
    failed=1
    return
  fi
  within "$limit" "$@" >"$log.log" 2>&1 || status=$?
  note=$(cat "$log.note" 2>/dev/null || true)
  case $status in
    0) state=passed ;;
    77) state=skipped ;;
    124 | 137) state=failed note="ran past $limit s $note" ;;
    *) state=failed ;;
  esac
  # The last line of a program says how it went; that of a function only when it failed.
  if [ -z "$note" ] && { [ $state != passed ] || [ "$(type -t "$1")" != function ]; }; then
    note=$(tail -n 1 "$log.log")
  fi
  if [ $state = failed ]; then failed=1; fi
  record "$part" "$name" $state $((SECONDS - start)) "$note"
}

# within SECONDS COMMAND...: timeout, also for functions of this shell; 124 when the time was over.
within() {
  local limit=$1 status=0 start=$SECONDS job watch
  shift
  if [ "$(type -t "$1")" != function ]; then
    timeout -k 5 "$limit" "$@" </dev/null
    return
  fi
  set -m # each job is a process group, which ends as one
  ("$@") </dev/null &
  job=$!
  (sleep "$limit"; kill -TERM -- -$job; sleep 5; kill -KILL -- -$job) >/dev/null 2>&1 &
  watch=$!
  set +m
  wait $job || status=$?
  kill -KILL -- -$watch 2>/dev/null
  wait $watch 2>/dev/null
  if [ $((SECONDS - start)) -ge "$limit" ]; then status=124; fi
  return $status
}
