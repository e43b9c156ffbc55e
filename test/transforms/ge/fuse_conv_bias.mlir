// RUN: ascend-opt %s -p ge-fuse-conv-bias | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 432> : tensor<4x3x3x3xf32>
  %b = ge.Const "b" #weights.file<"m.weights", 432 + 16> : tensor<1x4x1x1xf32>
  %r = ge.Const "r" #weights.file<"m.weights", 448 + 24> : tensor<6xf32>
  %c = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  %a = ge.op "Add" "add"(x1 = %b, x2 = %c) : (tensor<1x4x1x1xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  // A row is not a channel.
  %d = ge.op "Conv2D" "other"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  %e = ge.op "Add" "rows"(x1 = %d, x2 = %r) : (tensor<1x4x6x6xf32>, tensor<6xf32>) -> tensor<1x4x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %a, input1 = %e) : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>)
}

// CHECK:      [[B:%.+]] = ge.Const "conv_bias" #weights.file<"m.weights", 432 + 16> : tensor<4xf32>
// CHECK-NEXT: [[C:%.+]] = ge.op "Conv2D" "conv"(x = %x, filter = %w, bias = [[B]]) {{.*}}_datadump_original_op_names = ["conv", "add"]
// CHECK-NEXT: ge.op "Conv2D" "other"(x = %x, filter = %w)
// CHECK-NEXT: ge.op "Add" "rows"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[C]], input1 = %e)
