#!/usr/bin/env bash
# Each kernel's time and share of the device's ceilings, PyTorch's on the same shapes, and tokens per
# second of whole models.
# shellcheck disable=SC2317 # step calls functions by name
set -uo pipefail
part=bench
failed=0
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
folder=$out/$part

# Whole models first: of 7B and 13B, for each kind of weights, at batch 1, 16 and 64.
tokens() {
  local name=$1 shape=$2 weights=$3 batch=$4 rows
  shift 4
  rows=$(baichuan bench --random "$shape" --weights "$weights" "$@" --batch "$batch" --device "$device" \
    -p 512 -n 32 -r 3 --json) || return 1
  printf '%s\n' "$rows" | tr -d '\n' | sed 's/} *, *{/}\n{/g; s/^ *\[ *//; s/ *\] *$/\n/' |
    sed "s/^{/{\"model\": \"$name\", /" >"$folder/rows"
  cat "$folder/rows" >>"$folder/tokens.jsonl"
  awk -v model="$name" '
    function field(key) { match($0, "\"" key "\" *: *\"?[^,\"}]*"); s = substr($0, RSTART, RLENGTH); sub(/^[^:]*: *"?/, "", s); return s }
    { printf "| %s | %s | %s | %.1f | %.0f %% | %.0f | %.1f |\n", model, field("weights"), field("test"),
        field("tokens_per_second"), 100 * field("spread"), field("gb_per_second"), field("gflops") / 1000 }' \
    "$folder/rows" >>"$folder/tokens.md"
}
printf '| model | weights | test | tokens/s | spread | GB/s | TFLOP/s |\n|---|---|---|--:|--:|--:|--:|\n' >"$folder/tokens.md"
shape_7b=4096x32x11008x125696
shape_13b=5120x40x13696x125696
if [ "$device" = cpu ]; then # tries the script
  shape_7b=256x2x512x1024
  shape_13b=384x2x512x1024
fi
for weights in bf16 int8 int4; do
  step "tokens 7B $weights" 60 tokens 7B $shape_7b $weights 1,16,64
  step "tokens 13B $weights" 60 tokens 13B $shape_13b $weights 1,16,64 --alibi
done

# Each op runs in a process of its own, so that a fault in one does not end the others.
for op in $("$programs/cuda_bench" --ops); do
  case $op in matmul | attention) seconds=100 ;; *) seconds=25 ;; esac
  step "kernels $op" $((seconds + 15)) "$programs/cuda_bench" --op "$op" --seconds $seconds \
    --json "$folder/kernels-$op.jsonl"
done

results=("$folder"/kernels-matmul.jsonl "$folder"/kernels-attention.jsonl)
if ! python=$(command -v python3); then
  record $part PyTorch skipped 0 "no python3"
elif [ "$(left)" -lt 20 ]; then
  record $part PyTorch failed 0 "left out: no time left"
  failed=1
else
  step PyTorch 130 "$python" "$(dirname "${BASH_SOURCE[0]}")/torch_peers.py" $(($(left) < 130 ? $(left) - 15 : 115)) \
    "$folder/torch.jsonl" "$folder/torch.md" "${results[@]}"
fi
exit $failed
