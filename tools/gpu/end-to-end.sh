#!/usr/bin/env bash
# Whole models on the device: logits against the CPU's, greedy texts against the published code's, and
# a model of 13B shape with random weights.
# shellcheck disable=SC2317 # step calls functions by name
set -uo pipefail
part=end-to-end
failed=0
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
folder=$out/$part

# The numbers of the one tensor of a safetensors file, one a line.
numbers() {
  local header
  header=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  od -An -v -t f4 -w4 -j $((8 + header)) "$1"
}

# same_logits NAME OPTIONS...: `logits` on the device and, with activations in f32, on the CPU. The
# device rounds activations to bf16 ten times a layer, which costs 5e-6 in NMSE each: 2e-4 in four
# layers, if nothing dampened them. The limit is five times as much.
same_logits() {
  local name=$1 file
  shift
  file=$folder/${name// /_}
  baichuan logits "$@" --device cpu --exact --out "$file.cpu" >/dev/null || return 1
  baichuan logits "$@" --device "$device" --out "$file.gpu" >/dev/null || return 1
  paste <(numbers "$file.cpu") <(numbers "$file.gpu") | awk '
    /nan|inf/ { odd = 1 }
    NF != 2 { odd = 1 }
    { d = $1 - $2; e += d * d; s += $1; q += $1 * $1; n++; if (d < 0) d = -d; if (d > w) w = d }
    END {
      if (n == 0 || odd) { print "logits are missing or not finite"; exit 1 }
      v = q - s * s / n
      if (v <= 0) { print "all logits are the same"; exit 1 }
      printf "NMSE %.2e, worst %.4f of the deviation, %d logits\n", e / v, w / sqrt(v / n), n
      exit !(e / v < 1e-3)
    }' >"$file.note"
  local status=$?
  rm -f "$file.cpu" "$file.gpu"
  return "$status"
}

# The micro checkpoints have no tokenizer and the command line asks for one. Ids go in, so the smallest
# one suffices: a SentencePiece ModelProto with the pieces <unk>, <s>, </s> and a, model_type BPE, and
# remove_extra_whitespaces false.
least_tokenizer='\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x07\x0a\x03<s>\x18\x03\x0a\x08\x0a\x04</s>\x18\x03\x0a\x03\x0a\x01a\x12\x02\x18\x02\x1a\x02\x20\x00'
for model in "$fixtures"/micro-*; do
  if [ ! -d "$model" ]; then
    record $part "micro checkpoints" skipped 0 "none in $fixtures"
    break
  fi
  linked=$folder/${model##*/}
  mkdir -p "$linked"
  ln -sf "$model"/* "$linked"
  printf '%b' "$least_tokenizer" >"$linked/tokenizer.model"
  ids=$(sed -n 's/.*"ids": {.*"medium": \[\([^]]*\)\].*/\1/p' "$model/oracle.json")
  for weights in bf16 int8 int4; do
    name="${model##*/} $weights"
    step "$name" 60 same_logits "$name" --model "$linked" --ids "$ids" --all-positions --weights $weights
  done
done
for model in tiny-baichuan-7b tiny-baichuan2-13b-chat; do
  for weights in bf16 int8 int4; do
    step "$model $weights" 60 same_logits "$model $weights" --model "$home/models/$model" \
      --prompt "登鹳雀楼->王之涣\n夜雨寄北->李商隐\n静夜思->" --all-positions --weights $weights
  done
done

# Prints prompts and texts of oracle.json, which has one value a line. They stay escaped as they stand
# there, which is how the command line takes and prints them. Only rows of one model are printed, and
# only conversations that are a single message.
rows() {
  awk -v model="\"$1\":" '
    function value(line) { sub(/^[^:]*: "/, "", line); sub(/",?$/, "", line); return line }
    $1 ~ /^"tiny-/ { mine = ($1 == model) }
    !mine { next }
    $1 == "\"prompt\":" || $1 == "\"messages\":" { prompt = ""; messages = 0 }
    $1 == "\"prompt\":" || $1 == "\"content\":" { if (messages++ == 0) prompt = value($0) }
    $1 == "\"text\":" && messages == 1 { print prompt "\t" value($0) }' "$home/models/oracle.json"
}

# same_text EXPECTED OPTIONS...
same_text() {
  local expected=$1 got
  shift
  got=$(baichuan "$@" --greedy --json --device "$device") || return 1
  got=$(printf '%s' "$got" | sed -n 's/.*"text" *: *"\(\([^"\\]\|\\.\)*\)".*/\1/p')
  echo "got       $got"
  echo "expected  $expected"
  [ "$got" = "$expected" ]
}

number=0
while IFS=$'\t' read -r prompt text; do
  step "text $((++number)) of tiny-baichuan-7b" 30 same_text "$text" \
    generate --model "$home/models/tiny-baichuan-7b" --prompt "$prompt" --max-new-tokens 32
done < <(rows tiny-baichuan-7b)
number=0
while IFS=$'\t' read -r prompt text; do
  step "text $((++number)) of tiny-baichuan2-13b-chat" 30 same_text "$text" \
    chat --model "$home/models/tiny-baichuan2-13b-chat" --message "$prompt" --max-new-tokens 128
done < <(rows tiny-baichuan2-13b-chat)

# 13B, weights made on the device. The CPU would take minutes.
if [ "$device" != cpu ]; then
  for weights in bf16 int8 int4; do
    step "13B shape, random $weights" 120 baichuan bench --random 5120x40x13696x125696 --alibi \
      --weights $weights -p 256 -n 16 -r 1 --device "$device" --json
  done
fi
exit $failed
