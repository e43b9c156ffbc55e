// RUN: ascend-opt %s -p ge-fuse-gelu | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %r = ge.Const "root" #weights.splat<1.4142135 : f32, 1> : tensor<f32>
  %o = ge.Const "one" #weights.splat<1.0 : f32, 1> : tensor<f32>
  %h = ge.Const "half" #weights.splat<0.5 : f32, 1> : tensor<f32>
  %a = ge.op "RealDiv" "a"(x1 = %x, x2 = %r) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %b = ge.op "Erf" "b"(x = %a) : (tensor<4xf32>) -> tensor<4xf32>
  %c = ge.op "Add" "c"(x1 = %b, x2 = %o) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %d = ge.op "Mul" "d"(x1 = %x, x2 = %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e = ge.op "Mul" "e"(x1 = %d, x2 = %h) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  // With tanh, and the factors in another order.
  %t = ge.Const "three" #weights.splat<3.0 : f32, 1> : tensor<f32>
  %k = ge.Const "k" #weights.splat<0.044715 : f32, 1> : tensor<f32>
  %s = ge.Const "slope" #weights.splat<0.7978845608 : f32, 1> : tensor<f32>
  %p = ge.op "Pow" "p"(x1 = %x, x2 = %t) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %q = ge.op "Mul" "q"(x1 = %k, x2 = %p) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %u = ge.op "Add" "u"(x1 = %x, x2 = %q) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = ge.op "Mul" "v"(x1 = %s, x2 = %u) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %w = ge.op "Tanh" "w"(x = %v) : (tensor<4xf32>) -> tensor<4xf32>
  %y = ge.op "Add" "y"(x1 = %o, x2 = %w) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %f = ge.op "Mul" "f"(x1 = %h, x2 = %y) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %g = ge.op "Mul" "g"(x1 = %f, x2 = %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // Another slope is another function.
  %i = ge.op "Mul" "i"(x1 = %x, x2 = %h) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %j = ge.op "Erf" "j"(x = %i) : (tensor<4xf32>) -> tensor<4xf32>
  %l = ge.op "Add" "l"(x1 = %j, x2 = %o) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %m = ge.op "Mul" "m"(x1 = %x, x2 = %l) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = ge.op "Mul" "n"(x1 = %m, x2 = %h) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %e, input1 = %g, input2 = %n) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
}

// CHECK:      [[E:%.+]] = ge.op "GeluV2" "e"(x = %x) {approximate = "none", _datadump_original_op_names = ["a", "b", "c", "d", "e"]}
// CHECK:      [[G:%.+]] = ge.op "Gelu" "g"(x = %x) {_datadump_original_op_names = ["p", "q", "u", "v", "w", "y", "f", "g"]}
// CHECK-NEXT: ge.op "Mul" "i"
// CHECK-NEXT: ge.op "Erf" "j"
// CHECK:      ge.NetOutput "Node_Output"(input0 = [[E]], input1 = [[G]], input2 = %n)
