// RUN: ascend-opt %s -p ge-fuse-batch-norm-scale | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x4x6x6xf32>
  %s = ge.Const "s" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
  %o = ge.Const "o" #weights.file<"m.weights", 16 + 16> : tensor<4xf32>
  %m = ge.Const "m" #weights.file<"m.weights", 32 + 16> : tensor<4xf32>
  %v = ge.Const "v" #weights.file<"m.weights", 48 + 16> : tensor<4xf32>
  %f = ge.Const "f" #weights.file<"m.weights", 64 + 16> : tensor<4x1x1xf32>
  %a = ge.Const "a" #weights.file<"m.weights", 80 + 16> : tensor<1x4x1x1xf32>
  %n = ge.op "BNInfer" "norm"(x = %x, scale = %s, offset = %o, mean = %m, variance = %v) {epsilon = 1.000000e-05 : f32} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  %p = ge.op "Mul" "scaled"(x1 = %n, x2 = %f) : (tensor<1x4x6x6xf32>, tensor<4x1x1xf32>) -> tensor<1x4x6x6xf32>
  %q = ge.op "Add" "shifted"(x1 = %a, x2 = %p) : (tensor<1x4x1x1xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %q) : (tensor<1x4x6x6xf32>)
}

// CHECK-LABEL: ge.graph "net"
// CHECK-NEXT: ge.Data "x"
// CHECK-NEXT: [[M:%.+]] = ge.Const "m"
// CHECK-NEXT: [[V:%.+]] = ge.Const "v"
// CHECK-NEXT: [[S:%.+]] = ge.Const "s" #weights.compute<"Mul"(#weights.file<"m.weights", 0 + 16> as tensor<4xf32>, #weights.file<"m.weights", 64 + 16> as tensor<4xf32>) -> tensor<4xf32>> : tensor<4xf32>
// CHECK-NEXT: [[O:%.+]] = ge.Const "o" #weights.compute<"Add"(#weights.compute<"Mul"(#weights.file<"m.weights", 16 + 16> as tensor<4xf32>, #weights.file<"m.weights", 64 + 16> as tensor<4xf32>) -> tensor<4xf32>> as tensor<4xf32>, #weights.file<"m.weights", 80 + 16> as tensor<4xf32>) -> tensor<4xf32>> : tensor<4xf32>
// CHECK-NEXT: [[Y:%.+]] = ge.op "BNInfer" "norm"(x = %x, scale = [[S]], offset = [[O]], mean = [[M]], variance = [[V]]) {{.*}}_datadump_original_op_names = ["norm", "scaled", "shifted"]
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[Y]])

// What can be refreshed is a variable; a constant for every element, or for a row, is no scale.
ge.graph "kept" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x4x6x6xf32>
  %s = ge.Const "s" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
  %r = ge.Variable "s_var" : tensor<4xf32>
  %f = ge.Const "f" #weights.file<"m.weights", 64 + 16> : tensor<4x1x1xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 64 + 24> : tensor<6xf32>
  %n = ge.op "BNInfer" "norm"(x = %x, scale = %r, offset = %s, mean = %s, variance = %s) {epsilon = 1.000000e-05 : f32} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  %p = ge.op "Mul" "scaled"(x1 = %n, x2 = %f) : (tensor<1x4x6x6xf32>, tensor<4x1x1xf32>) -> tensor<1x4x6x6xf32>
  %k = ge.op "BNInfer" "other"(x = %p, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.000000e-05 : f32} : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  %q = ge.op "Mul" "by_columns"(x1 = %k, x2 = %w) : (tensor<1x4x6x6xf32>, tensor<6xf32>) -> tensor<1x4x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %q) : (tensor<1x4x6x6xf32>)
}

// CHECK-LABEL: ge.graph "kept"
// CHECK: ge.op "BNInfer" "norm"
// CHECK-NEXT: ge.op "Mul" "scaled"
// CHECK-NEXT: ge.op "BNInfer" "other"
// CHECK-NEXT: ge.op "Mul" "by_columns"
