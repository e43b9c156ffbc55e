// RUN: ascend-opt %s -p ge-fuse-attention | filecheck %s

ge.graph "net" {
  %q = ge.Data "q" {index = 0 : i64} : tensor<1x2x4x8xf16>
  %k = ge.Data "k" {index = 1 : i64} : tensor<1x2x6x8xf16>
  %v = ge.Data "v" {index = 2 : i64} : tensor<1x2x6x8xf16>
  %d = ge.Const "root" #weights.splat<4.0 : f16, 1> : tensor<f16>
  %t = ge.op "TransposeD" "transpose"(x = %k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x6x8xf16>) -> tensor<1x2x8x6xf16>
  %a = ge.op "BatchMatMulV2" "scores"(x1 = %q, x2 = %t) : (tensor<1x2x4x8xf16>, tensor<1x2x8x6xf16>) -> tensor<1x2x4x6xf16>
  %b = ge.op "RealDiv" "scale"(x1 = %a, x2 = %d) : (tensor<1x2x4x6xf16>, tensor<f16>) -> tensor<1x2x4x6xf16>
  %c = ge.op "SoftmaxV2" "softmax"(x = %b) {axes = array<i64: -1>} : (tensor<1x2x4x6xf16>) -> tensor<1x2x4x6xf16>
  %y = ge.op "BatchMatMulV2" "context"(x1 = %c, x2 = %v) : (tensor<1x2x4x6xf16>, tensor<1x2x6x8xf16>) -> tensor<1x2x4x8xf16>
  // With a mask the query is scaled beforehand.
  %m = ge.Data "m" {index = 3 : i64} : tensor<1x1x1x6xf16>
  %e = ge.op "BatchMatMulV2" "scores1"(x1 = %q, x2 = %k) {adj_x2 = true} : (tensor<1x2x4x8xf16>, tensor<1x2x6x8xf16>) -> tensor<1x2x4x6xf16>
  %f = ge.op "RealDiv" "scale1"(x1 = %e, x2 = %d) : (tensor<1x2x4x6xf16>, tensor<f16>) -> tensor<1x2x4x6xf16>
  %g = ge.op "Add" "masked"(x1 = %f, x2 = %m) : (tensor<1x2x4x6xf16>, tensor<1x1x1x6xf16>) -> tensor<1x2x4x6xf16>
  %h = ge.op "SoftmaxV2" "softmax1"(x = %g) {axes = array<i64: 3>} : (tensor<1x2x4x6xf16>) -> tensor<1x2x4x6xf16>
  %z = ge.op "BatchMatMulV2" "context1"(x1 = %h, x2 = %v) : (tensor<1x2x4x6xf16>, tensor<1x2x6x8xf16>) -> tensor<1x2x4x8xf16>
  // Along another axis it is no attention.
  %i = ge.op "BatchMatMulV2" "scores2"(x1 = %q, x2 = %t) : (tensor<1x2x4x8xf16>, tensor<1x2x8x6xf16>) -> tensor<1x2x4x6xf16>
  %j = ge.op "SoftmaxV2" "softmax2"(x = %i) {axes = array<i64: 2>} : (tensor<1x2x4x6xf16>) -> tensor<1x2x4x6xf16>
  %w = ge.op "BatchMatMulV2" "context2"(x1 = %j, x2 = %v) : (tensor<1x2x4x6xf16>, tensor<1x2x6x8xf16>) -> tensor<1x2x4x8xf16>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %z, input2 = %w) : (tensor<1x2x4x8xf16>, tensor<1x2x4x8xf16>, tensor<1x2x4x8xf16>)
}

// CHECK:      [[Y:%.+]] = ge.op "PromptFlashAttention" "context"(query = %q, key = %k, value = %v) {num_heads = 2 : i64, scale_value = 2.500000e-01 : f32, pre_tokens = 2147483647 : i64, next_tokens = 2147483647 : i64, input_layout = "BNSD", inner_precise = 0 : i64, _datadump_original_op_names = ["scores", "scale", "softmax", "context"]}
// CHECK-NEXT: ge.Data "m"
// CHECK-NEXT: [[S:%.+]] = ge.Const "context1_shape" dense<[1, 2, 4, 6]> : tensor<4xi64>
// CHECK-NEXT: [[M:%.+]] = ge.op "BroadcastTo" "context1_mask"(x = %m, shape = [[S]])
// CHECK-NEXT: [[Q:%.+]] = ge.op "Muls" "context1_query"(x = %q) {value = 2.500000e-01 : f32}
// CHECK-NEXT: [[Z:%.+]] = ge.op "PromptFlashAttention" "context1"(query = [[Q]], key = %k, value = %v, pse_shift = [[M]]) {num_heads = 2 : i64, scale_value = 1.000000e+00 : f32
// CHECK-NEXT: ge.op "BatchMatMulV2" "scores2"
// CHECK-NEXT: ge.op "SoftmaxV2" "softmax2"
// CHECK-NEXT: ge.op "BatchMatMulV2" "context2"
