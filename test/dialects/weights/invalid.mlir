// RUN: ascend-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

"test.op"() {w = #weights.file<"w", -1 + 8>} : () -> ()
// CHECK: must not be negative

// -----

"test.op"() {w = #weights.cast<"w", f32 to f16>} : () -> ()
// CHECK: a cast needs a weight to convert

// -----

"test.op"() {w = #weights.splat<"w", 4>} : () -> ()
// CHECK: a splat repeats an integer or a float

// -----

"test.op"() {w = #weights.splat<1 : i4, 4>} : () -> ()
// CHECK: a splat repeats whole bytes, i4 elements share one

// -----

"test.op"() {w = #weights.cast<#weights.file<"w", 0 + 8>, i4 to f16>} : () -> ()
// CHECK: no cast from or to i4

// -----

"test.op"() {w = #weights.cast<#weights.file<"w", 0 + 8>, f32 to f6E2M3FN>} : () -> ()
// CHECK: no cast from or to f6E2M3FN

// -----

"test.op"() {w = #weights.compute<"Mul"(#weights.file<"w", 0 + 8> as tensor<2xf32>) -> tensor<2xf32>>} : () -> ()
// CHECK: computes one of: Add of 2,

// -----

"test.op"() {w = #weights.compute<"Neg"(#weights.file<"w", 0 + 8> as tensor<2xf32>) -> tensor<2xf16>>} : () -> ()
// CHECK: computes with tensors of one element type

// -----

"test.op"() {w = #weights.compute<"Neg"(#weights.file<"w", 0 + 8> as tensor<2xi32>) -> tensor<2xi32>>} : () -> ()
// CHECK: computes with floats, not with i32

// -----

"test.op"() {w = #weights.transpose<#weights.file<"w", 0 + 8> as tensor<2xf32>, [1]>} : () -> ()
// CHECK: does not permute the axes

// -----

"test.op"() {w = #weights.transpose<#weights.file<"w", 0 + 8> as tensor<?xf32>, [0]>} : () -> ()
// CHECK: a weight has a static tensor type

// -----

"test.op"() {w = #weights.named<"b", #weights.named<"a", #weights.file<"w", 0 + 8> as tensor<2xf32>> as tensor<2xf32>>} : () -> ()
// CHECK: 'b' names a weight, not #weights.named

// -----

"test.op"() {w = #weights.concat<[#weights.file<"w", 0 + 8> as tensor<2xf32>, #weights.file<"w", 0 + 8> as tensor<1x2xf32>], 0>} : () -> ()
// CHECK: tensor<2xf32>, tensor<1x2xf32> cannot be joined at axis 0

// -----

"test.op"() {w = #weights.concat<[#weights.file<"w", 0 + 8> as tensor<2xf32>], 1>} : () -> ()
// CHECK: cannot be joined at axis 1

// -----

"test.op"() {w = #weights.slice<#weights.file<"w", 0 + 8> as tensor<2xf32>, [1], [2]>} : () -> ()
// CHECK: tensor<2xf32> has no part of [2] at [1]

// -----

"test.op"() {w = #weights.slice<#weights.file<"w", 0 + 8> as tensor<2xf32>, [], []>} : () -> ()
// CHECK: begins and ends in each of its axes
