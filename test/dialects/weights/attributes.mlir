// RUN: ascend-opt %s | ascend-opt | filecheck %s

"test.op"() {
  // CHECK: file = #weights.file<"dir/model.onnx", 4096 + 589824>
  file = #weights.file<"dir/model.onnx", 4096 + 589824>,
  // CHECK-SAME: splat = #weights.splat<1.000000e+00 : f32, 64>
  splat = #weights.splat<1.0 : f32, 64>,
  // CHECK-SAME: cast = #weights.cast<#weights.file<"w", 0 + 8>, f32 to f16>
  cast = #weights.cast<#weights.file<"w", 0 + 8>, f32 to f16>
} : () -> ()
