// RUN: ascend-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

"test.op"() {w = #weights.file<"w", -1 + 8>} : () -> ()
// CHECK: must not be negative

// -----

"test.op"() {w = #weights.cast<"w", f32 to f16>} : () -> ()
// CHECK: a cast needs a weight to convert

// -----

"test.op"() {w = #weights.splat<"w", 4>} : () -> ()
// CHECK: a splat repeats an integer or a float
