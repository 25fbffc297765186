#!/usr/bin/env bash
# gpu-check.json and gpu-check.md out of what the parts left.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# JSON lines of files that may not be there, as the inside of an array.
lines() { cat /dev/null "$@" 2>/dev/null | grep '^{' | paste -sd ',' || true; }
steps() {
  cat /dev/null "$out"/*/steps.tsv | awk -F '\t' '
    function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
    { printf "%s{\"part\": %s, \"step\": %s, \"outcome\": %s, \"seconds\": %d, \"note\": %s}",
        (NR > 1 ? ",\n" : ""), quoted($1), quoted($2), quoted($3), $4, quoted($5) }'
}
version=$("$java" -cp "$classes" -Dorg.bytedeco.javacpp.cachedir="$out/javacpp" \
  dev.baichuan4j.cli.Main --version 2>/dev/null | head -n 1 || true)

{
  printf '{"version": "%s", "commit": "%s", "date": "%s",\n' "$version" \
    "$(cat "$home/COMMIT" 2>/dev/null || git -C "$home" rev-parse HEAD 2>/dev/null || true)" \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  printf '"device": %s,\n' "$(cat "$out/device.json" 2>/dev/null || echo null)"
  printf '"driver": "%s",\n' "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1 || true)"
  printf '"steps": [%s],\n' "$(steps)"
  printf '"checks": [%s],\n' "$(lines "$out"/kernels/*.jsonl)"
  printf '"kernels": [%s],\n' "$(lines "$out"/bench/kernels-*.jsonl)"
  printf '"torch": [%s],\n' "$(lines "$out"/bench/torch.jsonl)"
  printf '"tokens": [%s]}\n' "$(lines "$out"/bench/tokens.jsonl)"
} >"$out/gpu-check.json"

{
  echo "# gpu-check, $version, $(date -u +%Y-%m-%d)"
  echo
  sed 's/^/    /' "$out/device.json" 2>/dev/null || true
  echo
  echo '| part | step | outcome | seconds | |'
  echo '|---|---|---|--:|---|'
  cat /dev/null "$out"/*/steps.tsv | sed 's/|/\\|/g' |
    awk -F '\t' '{ printf "| %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5 }'
  for table in "$out"/bench/tokens.md "$out"/bench/torch.md "$out"/bench/kernels_*.log; do
    if grep -q '^|' "$table" 2>/dev/null; then
      echo
      cat "$table"
    fi
  done
} >"$out/gpu-check.md"
