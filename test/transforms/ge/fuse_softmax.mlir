// RUN: ascend-opt %s -p ge-fuse-softmax | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4x8xf32>
  %l = ge.Const "l" dense<[-1]> : tensor<1xi32>
  %f = ge.Const "f" dense<[0]> : tensor<1xi32>
  %a = ge.op "ReduceMax" "max"(x = %x, axes = %l) {keep_dims = true} : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x1xf32>
  %b = ge.op "Sub" "sub"(x1 = %x, x2 = %a) : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %c = ge.op "Exp" "exp"(x = %b) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %d = ge.op "ReduceSum" "sum"(x = %c, axes = %l) {keep_dims = true} : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x1xf32>
  %y = ge.op "RealDiv" "softmax"(x1 = %c, x2 = %d) : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  // The maximum of the rows, the sum of the columns: no softmax.
  %g = ge.op "ReduceMax" "max1"(x = %x, axes = %l) {keep_dims = true} : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x1xf32>
  %h = ge.op "Sub" "sub1"(x1 = %x, x2 = %g) : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  %i = ge.op "Exp" "exp1"(x = %h) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %j = ge.op "ReduceSum" "sum1"(x = %i, axes = %f) {keep_dims = true} : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<1x8xf32>
  %z = ge.op "RealDiv" "mixed"(x1 = %i, x2 = %j) : (tensor<4x8xf32>, tensor<1x8xf32>) -> tensor<4x8xf32>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %z) : (tensor<4x8xf32>, tensor<4x8xf32>)
}

// CHECK:      [[Y:%.+]] = ge.op "SoftmaxV2" "softmax"(x = %x) {axes = array<i64: 1>, _datadump_original_op_names = ["max", "sub", "exp", "sum", "softmax"]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
// CHECK-NEXT: ge.op "ReduceMax" "max1"
// CHECK:      ge.op "RealDiv" "mixed"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[Y]],
