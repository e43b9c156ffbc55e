// RUN: ascend-opt %s | ascend-opt | filecheck %s

"test.op"() {
  // CHECK: file = #weights.file<"dir/model.onnx", 4096 + 589824>
  file = #weights.file<"dir/model.onnx", 4096 + 589824>,
  // CHECK-SAME: splat = #weights.splat<1.000000e+00 : f32, 64>
  splat = #weights.splat<1.0 : f32, 64>,
  // CHECK-SAME: cast = #weights.cast<#weights.file<"w", 0 + 8>, f32 to f16>
  cast = #weights.cast<#weights.file<"w", 0 + 8>, f32 to f16>,
  // CHECK-SAME: compute = #weights.compute<"Mul"(#weights.file<"w", 0 + 24> as tensor<2x3xf32>, dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32> as tensor<2x1xf32>) -> tensor<2x3xf32>>
  compute = #weights.compute<"Mul"(#weights.file<"w", 0 + 24> as tensor<2x3xf32>, dense<[1.0, 2.0]> : tensor<2xf32> as tensor<2x1xf32>) -> tensor<2x3xf32>>,
  // CHECK-SAME: transpose = #weights.transpose<#weights.file<"w", 0 + 24> as tensor<2x3xf32>, [1, 0]>
  transpose = #weights.transpose<#weights.file<"w", 0 + 24> as tensor<2x3xf32>, [1, 0]>,
  // CHECK-SAME: concat = #weights.concat<[#weights.file<"w", 0 + 24> as tensor<2x3xf32>, #weights.splat<1.000000e+00 : f32, 2> as tensor<2x1xf32>], 1>
  concat = #weights.concat<[#weights.file<"w", 0 + 24> as tensor<2x3xf32>, #weights.splat<1.0 : f32, 2> as tensor<2x1xf32>], 1>,
  // CHECK-SAME: slice = #weights.slice<#weights.file<"w", 0 + 24> as tensor<2x3xf32>, [1, 0], [1, 2]>
  slice = #weights.slice<#weights.file<"w", 0 + 24> as tensor<2x3xf32>, [1, 0], [1, 2]>,
  // CHECK-SAME: named = #weights.cast<#weights.named<"fc.weight", #weights.file<"w", 0 + 24> as tensor<2x3xf32>>, f32 to f16>
  named = #weights.cast<#weights.named<"fc.weight", #weights.file<"w", 0 + 24> as tensor<2x3xf32>>, f32 to f16>,
  // CHECK-SAME: small = #weights.named<"s", dense<"0x0000807F"> : tensor<1xf32> as tensor<1xf32>>
  small = #weights.named<"s", dense<"0x0000807F"> : tensor<1xf32> as tensor<1xf32>>
} : () -> ()
