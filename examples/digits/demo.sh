#!/usr/bin/env bash
# The main job, step by step: each command is shown as a user would type it, then run.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Show a command the way it would be typed, then run it.
run() {
  local shown='' word
  for word in "$@"; do
    case "$word" in *[!A-Za-z0-9_./=,-]*) word="'$word'" ;; esac
    shown+=" $word"
  done
  printf '\n$%s\n' "$shown"
  "$@"
}

WEIGHTS='"conv1.weight","conv1.bias","conv2.weight","conv2.bias","fc1.weight","fc1.bias","fc2.weight","fc2.bias"'

echo '1. Compile an ONNX model to an offline model, its weights in files of their own'
run atc --framework=5 --model=examples/digits/model.onnx --output=out/digits \
  --soc_version=Ascend910B4 --external_weight=1
run ls -l out/digits.om out/weight

echo
echo '2. Make its weights refreshable: three graphs, one bundle'
run ascend-opt examples/digits/model.onnx \
  -p "convert-onnx-to-ge,ge-make-weight-refreshable{consts=$WEIGHTS}"
run ascend-opt examples/digits/model.onnx \
  -p "offline{soc=Ascend910B4 refresh=$WEIGHTS}" -t 'om{output="out/digits_bundle"}'
run ascend-opt refresh list out/digits_bundle.om

echo
echo '3. Classify held-out digits, update the weights without recompiling, classify again'
run python -m runtime.acl --soc Ascend910B4 examples/digits/refresh.py out/digits_bundle.om
run python examples/digits/serve.py out/digits_bundle.om

echo
echo '4. The simulated schedule of the AI Core'
run ascend-opt out/digits.om -t 'schedule{output="out/schedule"}'
