// RUN: ascend-opt %s -p ge-cancel-transposes | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x3x4xf32>
  %p = ge.Const "p" dense<[1, 2, 0]> : tensor<3xi32>
  %q = ge.Const "q" dense<[2, 0, 1]> : tensor<3xi32>
  %n = ge.Const "n" dense<[0, 1, -1]> : tensor<3xi64>
  // There and back again.
  %a = ge.op "Transpose" "there"(x = %x, perm = %p) : (tensor<2x3x4xf32>, tensor<3xi32>) -> tensor<3x4x2xf32>
  %b = ge.op "Transpose" "back"(x = %a, perm = %q) : (tensor<3x4x2xf32>, tensor<3xi32>) -> tensor<2x3x4xf32>
  %c = ge.op "Relu" "relu"(x = %b) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // Two that are one.
  %d = ge.op "Transpose" "one"(x = %c, perm = %p) : (tensor<2x3x4xf32>, tensor<3xi32>) -> tensor<3x4x2xf32>
  %e = ge.op "TransposeD" "two"(x = %d) {perm = array<i64: 0, 2, 1>} : (tensor<3x4x2xf32>) -> tensor<3x2x4xf32>
  // One that changes nothing.
  %f = ge.op "Transpose" "same"(x = %e, perm = %n) : (tensor<3x2x4xf32>, tensor<3xi64>) -> tensor<3x2x4xf32>
  // One that moves an axis of one place.
  %y = ge.Data "y" {index = 1 : i64} : tensor<2x1x4xf32>
  %g = ge.op "TransposeD" "unit"(x = %y) {perm = array<i64: 1, 0, 2>} : (tensor<2x1x4xf32>) -> tensor<1x2x4xf32>
  // One that has another reader stays what it is.
  %h = ge.op "TransposeD" "shared"(x = %x) {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %i = ge.op "TransposeD" "reader"(x = %h) {perm = array<i64: 1, 2, 0>} : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  ge.NetOutput "Node_Output"(input0 = %f, input1 = %g, input2 = %h, input3 = %i) : (tensor<3x2x4xf32>, tensor<1x2x4xf32>, tensor<3x4x2xf32>, tensor<4x2x3xf32>)
}

// CHECK-NOT:  "there"
// CHECK-NOT:  "back"
// CHECK:      ge.op "Relu" "relu"(x = %x)
// CHECK-NEXT: [[P:%.+]] = ge.Const "two_perm" dense<[1, 0, 2]> : tensor<3xi32>
// CHECK-NEXT: [[T:%.+]] = ge.op "Transpose" "two"(x = %c, perm = [[P]]) {_datadump_original_op_names = ["one", "two"]} : (tensor<2x3x4xf32>, tensor<3xi32>) -> tensor<3x2x4xf32>
// CHECK-NEXT: ge.Data "y"
// CHECK-NEXT: [[S:%.+]] = ge.Const "unit_shape" dense<[1, 2, 4]> : tensor<3xi64>
// CHECK-NEXT: [[G:%.+]] = ge.op "Reshape" "unit"(x = %y, shape = [[S]])
// CHECK-NEXT: ge.op "TransposeD" "shared"(x = %x)
// CHECK-NEXT: ge.op "TransposeD" "reader"(x = %h)
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[T]], input1 = [[G]], input2 = %h, input3 = %i)
