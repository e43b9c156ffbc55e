// RUN: ascend-opt %s -p ge-fold-constants | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x8x4x4xf32>
  %d = ge.Const "dims" dense<[8, 3]> : tensor<2xi64>
  %v = ge.Const "value" #weights.splat<2.0 : f32, 1> : tensor<f32>
  %f = ge.op "Fill" "fill"(dims = %d, value = %v) : (tensor<2xi64>, tensor<f32>) -> tensor<8x3xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 32> : tensor<8xf32>
  %u = ge.op "Unsqueeze" "unsqueeze"(x = %w) {axes = array<i64: 1, 2>} : (tensor<8xf32>) -> tensor<8x1x1xf32>
  %s = ge.op "Shape" "shape"(x = %x) {dtype = 9 : i64} : (tensor<1x8x4x4xf32>) -> tensor<4xi64>
  %y = ge.op "Add" "sum"(x1 = %x, x2 = %u) : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %f, input2 = %s) : (tensor<1x8x4x4xf32>, tensor<8x3xf32>, tensor<4xi64>)
}

// CHECK:      ge.graph "net" {
// CHECK-NEXT: %x = ge.Data "x"
// CHECK-NEXT: %f = ge.Const "dynamic_const_0" #weights.splat<2.000000e+00 : f32, 24> {_datadump_original_op_names = ["fill"]} : tensor<8x3xf32>
// CHECK-NEXT: %u = ge.Const "dynamic_const_1" #weights.file<"m.weights", 0 + 32> {_datadump_original_op_names = ["unsqueeze"]} : tensor<8x1x1xf32>
// CHECK-NEXT: %s = ge.Const "dynamic_const_2" dense<[1, 8, 4, 4]> : tensor<4xi64>
// CHECK-NEXT: "sum"(x1 = %x, x2 = %u)
// Outputs are what tasks write, so that a constant must be copied to be one.
// CHECK-NEXT: [[F:%.+]] = ge.op "TensorMove" "dynamic_const_0_output"(x = %f)
// CHECK-NEXT: [[S:%.+]] = ge.op "TensorMove" "dynamic_const_2_output"(x = %s)
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %y, input1 = [[F]], input2 = [[S]])
