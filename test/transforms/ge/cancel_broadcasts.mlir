// RUN: ascend-opt %s -p ge-cancel-broadcasts,ge-remove-dead-nodes | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x3x8xf16>
  %g = ge.Data "g" {index = 1 : i64} : tensor<8xf16>
  %m = ge.Data "m" {index = 2 : i64} : tensor<3x1xi1>
  %full = ge.Const "full" dense<[2, 3, 8]> : tensor<3xi64>
  %mask = ge.Const "mask" dense<[3, 8]> : tensor<2xi64>
  // A normalisation takes parameters of the shape of its axes, and no others.
  %gamma = ge.op "BroadcastTo" "gamma"(x = %g, shape = %full) : (tensor<8xf16>, tensor<3xi64>) -> tensor<2x3x8xf16>
  %a = ge.op "LayerNorm" "norm"(x = %x, gamma = %gamma, beta = %gamma) {begin_norm_axis = 2 : i64} : (tensor<2x3x8xf16>, tensor<2x3x8xf16>, tensor<2x3x8xf16>) -> tensor<2x3x8xf16>
  %b = ge.op "LayerNorm" "wider"(x = %a, gamma = %gamma, beta = %gamma) {begin_norm_axis = 1 : i64} : (tensor<2x3x8xf16>, tensor<2x3x8xf16>, tensor<2x3x8xf16>) -> tensor<2x3x8xf16>
  // Elementwise operators broadcast by themselves.
  %wide = ge.op "Expand" "wide"(x = %m, shape = %mask) : (tensor<3x1xi1>, tensor<2xi64>) -> tensor<3x8xi1>
  %c = ge.op "SelectV2" "select"(condition = %wide, then = %b, else = %x) : (tensor<3x8xi1>, tensor<2x3x8xf16>, tensor<2x3x8xf16>) -> tensor<2x3x8xf16>
  // Here the result would be smaller.
  %d = ge.op "Add" "add"(x1 = %gamma, x2 = %g) : (tensor<2x3x8xf16>, tensor<8xf16>) -> tensor<2x3x8xf16>
  %e = ge.op "Relu" "relu"(x = %gamma) : (tensor<2x3x8xf16>) -> tensor<2x3x8xf16>
  ge.NetOutput "Node_Output"(input0 = %c, input1 = %d, input2 = %e) : (tensor<2x3x8xf16>, tensor<2x3x8xf16>, tensor<2x3x8xf16>)
}

// CHECK:      ge.op "BroadcastTo" "gamma"
// CHECK-NEXT: ge.op "LayerNorm" "norm"(x = %x, gamma = %g, beta = %g) {begin_norm_axis = 2 : i64, begin_params_axis = 2 : i64}
// CHECK-NEXT: ge.op "LayerNorm" "wider"(x = %a, gamma = %gamma, beta = %gamma) {begin_norm_axis = 1 : i64} :
// CHECK-NEXT: ge.op "SelectV2" "select"(condition = %m, then = %b, else = %x)
// CHECK-NEXT: ge.op "Add" "add"(x1 = %gamma, x2 = %g)
// CHECK-NEXT: ge.op "Relu" "relu"(x = %gamma)
