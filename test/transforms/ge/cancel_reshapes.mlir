// RUN: ascend-opt %s -p ge-cancel-reshapes | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x3x4xf32>
  %s = ge.Const "s" dense<[6, 4]> : tensor<2xi64>
  %t = ge.Const "t" dense<[2, 3, 4]> : tensor<3xi64>
  %a = ge.op "Reshape" "there"(x = %x, shape = %s) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
  %b = ge.op "Reshape" "back"(x = %a, shape = %t) : (tensor<6x4xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  %c = ge.op "Relu" "relu"(x = %b) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %d = ge.op "Unsqueeze" "unsqueeze"(x = %a) {axes = array<i64: 0>} : (tensor<6x4xf32>) -> tensor<1x6x4xf32>
  %e = ge.op "Squeeze" "squeeze"(x = %d) {axis = array<i64: 0>} : (tensor<1x6x4xf32>) -> tensor<6x4xf32>
  %f = ge.op "Exp" "exp"(x = %e) : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %g = ge.op "Flatten" "same"(x = %f) {axis = 1 : i64} : (tensor<6x4xf32>) -> tensor<6x4xf32>
  // A size that is known at run time only may be anything.
  %y = ge.Data "y" {index = 1 : i64} : tensor<?x4xf32>
  %h = ge.op "Reshape" "unknown"(x = %y, shape = %s) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %r = ge.Data "r" {index = 2 : i64} : tensor<2xi64>
  %u = ge.Data "u" {index = 3 : i64} : tensor<2xi64>
  %i = ge.op "Reshape" "one"(x = %x, shape = %r) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %j = ge.op "Reshape" "other"(x = %x, shape = %u) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  ge.NetOutput "Node_Output"(input0 = %c, input1 = %g, input2 = %h, input3 = %i, input4 = %j) : (tensor<2x3x4xf32>, tensor<6x4xf32>, tensor<?x4xf32>, tensor<?x?xf32>, tensor<?x?xf32>)
}

// CHECK:      ge.op "Reshape" "there"(x = %x, shape = %s)
// CHECK-NEXT: ge.op "Relu" "relu"(x = %x)
// CHECK-NEXT: ge.op "Unsqueeze" "unsqueeze"
// CHECK-NEXT: ge.op "Exp" "exp"(x = %a)
// CHECK-NEXT: ge.Data "y"
// CHECK-NEXT: ge.op "Reshape" "unknown"
// CHECK:      ge.op "Reshape" "one"
// CHECK-NEXT: ge.op "Reshape" "other"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %c, input1 = %f, input2 = %h, input3 = %i, input4 = %j)
