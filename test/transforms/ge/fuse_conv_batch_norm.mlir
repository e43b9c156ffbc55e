// RUN: ascend-opt %s -p ge-fuse-conv-batch-norm | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 432> : tensor<4x3x3x3xf32>
  %s = ge.Const "s" #weights.file<"m.weights", 432 + 16> : tensor<4xf32>
  %o = ge.Const "o" #weights.file<"m.weights", 448 + 16> : tensor<4xf32>
  %m = ge.Const "m" #weights.file<"m.weights", 464 + 16> : tensor<4xf32>
  %v = ge.Const "v" #weights.file<"m.weights", 480 + 16> : tensor<4xf32>
  %c = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  %n = ge.op "BatchNorm" "norm"(x = %c, scale = %s, offset = %o, mean = %m, variance = %v) {epsilon = 1.000000e-05 : f32, is_training = false} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %n) : (tensor<1x4x6x6xf32>)
}

// CHECK-LABEL: ge.graph "net"
// CHECK-NEXT: ge.Data "x"
// CHECK-NEXT: [[W:%.+]] = ge.Const "w" #weights.compute<"Mul"(#weights.file<"m.weights", 0 + 432> as tensor<4x3x3x3xf32>, #weights.compute<"RealDiv"(#weights.file<"m.weights", 432 + 16> as tensor<4xf32>, #weights.compute<"Sqrt"(#weights.compute<"Add"(#weights.file<"m.weights", 480 + 16> as tensor<4xf32>, #weights.splat<1.000000e-05 : f32, 1> as tensor<1xf32>) -> tensor<4xf32>> as tensor<4xf32>) -> tensor<4xf32>> as tensor<4xf32>) -> tensor<4xf32>> as tensor<4x1x1x1xf32>) -> tensor<4x3x3x3xf32>> : tensor<4x3x3x3xf32>
// CHECK-NEXT: [[B:%.+]] = ge.Const "conv_bias" #weights.compute<"Sub"(#weights.file<"m.weights", 448 + 16> as tensor<4xf32>, #weights.compute<"Mul"(#weights.file<"m.weights", 464 + 16> as tensor<4xf32>,
// CHECK-NEXT: [[Y:%.+]] = ge.op "Conv2D" "conv"(x = %x, filter = [[W]], bias = [[B]]) {{.*}}_datadump_original_op_names = ["conv", "norm"]
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[Y]])

// What can be refreshed is a variable: nothing is folded into it, or it into anything.
ge.graph "refreshable" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %w = ge.Variable "w_var" : tensor<4x3x3x3xf32>
  %s = ge.Const "s" #weights.file<"m.weights", 432 + 16> : tensor<4xf32>
  %c = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  %n = ge.op "BNInfer" "norm"(x = %c, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.000000e-05 : f32} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %n) : (tensor<1x4x6x6xf32>)
}

// CHECK-LABEL: ge.graph "refreshable"
// CHECK:      ge.op "Conv2D" "conv"(x = %x, filter = %w)
// CHECK-NEXT: ge.op "BNInfer" "norm"
