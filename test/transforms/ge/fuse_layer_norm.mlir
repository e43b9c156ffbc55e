// RUN: ascend-opt %s -p ge-fuse-layer-norm | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x8xf32>
  %l = ge.Const "l" dense<[-1]> : tensor<1xi32>
  %t = ge.Const "two" #weights.splat<2.0 : f32, 1> : tensor<f32>
  %e = ge.Const "eps" #weights.splat<0.5 : f32, 1> : tensor<f32>
  %g = ge.Const "gamma" #weights.file<"m.weights", 0 + 32> : tensor<8xf32>
  %b = ge.Const "beta" #weights.file<"m.weights", 32 + 32> : tensor<8xf32>
  %m = ge.op "ReduceMean" "mean"(x = %x, axes = %l) {keep_dims = true} : (tensor<2x8xf32>, tensor<1xi32>) -> tensor<2x1xf32>
  %d = ge.op "Sub" "sub"(x1 = %x, x2 = %m) : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %p = ge.op "Pow" "pow"(x1 = %d, x2 = %t) : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %v = ge.op "ReduceMean" "variance"(x = %p, axes = %l) {keep_dims = true} : (tensor<2x8xf32>, tensor<1xi32>) -> tensor<2x1xf32>
  %a = ge.op "Add" "add"(x1 = %v, x2 = %e) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = ge.op "Sqrt" "root"(x = %a) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %q = ge.op "RealDiv" "div"(x1 = %d, x2 = %r) : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %s = ge.op "Mul" "scale"(x1 = %g, x2 = %q) : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = ge.op "Add" "shift"(x1 = %s, x2 = %b) : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  // Without scale and shift it has no form as LayerNorm.
  %i = ge.op "ReduceMean" "mean1"(x = %y, axes = %l) {keep_dims = true} : (tensor<2x8xf32>, tensor<1xi32>) -> tensor<2x1xf32>
  %j = ge.op "Sub" "sub1"(x1 = %y, x2 = %i) : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %k = ge.op "Mul" "square1"(x1 = %j, x2 = %j) : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %n = ge.op "ReduceMean" "variance1"(x = %k, axes = %l) {keep_dims = true} : (tensor<2x8xf32>, tensor<1xi32>) -> tensor<2x1xf32>
  %o = ge.op "Add" "add1"(x1 = %n, x2 = %e) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %u = ge.op "Sqrt" "root1"(x = %o) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %z = ge.op "RealDiv" "div1"(x1 = %j, x2 = %u) : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  ge.NetOutput "Node_Output"(input0 = %z) : (tensor<2x8xf32>)
}

// CHECK:      ge.Const "beta"
// CHECK-NEXT: ge.op "LayerNorm" "shift"(x = %x, gamma = %g, beta = %b) {begin_norm_axis = 1 : i64, begin_params_axis = 1 : i64, epsilon = 5.000000e-01 : f32, _datadump_original_op_names = ["mean", "sub", "pow", "variance", "add", "root", "div", "scale", "shift"]}
// CHECK-NEXT: ge.op "ReduceMean" "mean1"
// CHECK:      ge.op "RealDiv" "div1"
