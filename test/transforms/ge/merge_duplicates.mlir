// RUN: ascend-opt %s -p ge-merge-duplicates | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %c = ge.Const "c" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
  %d = ge.Const "d" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
  %e = ge.Const "e" #weights.file<"m.weights", 16 + 16> : tensor<4xf32>
  %a = ge.op "Add" "a"(x1 = %x, x2 = %c) {_datadump_original_op_names = ["p"]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // The same, down to its constant, which is another node of the same bytes.
  %b = ge.op "Add" "b"(x1 = %x, x2 = %d) {_datadump_original_op_names = ["q"]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %f = ge.op "Add" "other"(x1 = %x, x2 = %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %g = ge.op "LeakyRelu" "g"(x = %a) {negative_slope = 1.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %h = ge.op "LeakyRelu" "h"(x = %b) {negative_slope = 2.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %i = ge.op "LeakyRelu" "i"(x = %b) {negative_slope = 1.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  // Who waits, or is waited for, stays.
  %k = ge.op "LeakyRelu" "k"(x = %b) after ["other"] {negative_slope = 1.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  // Two dice are two dice.
  %s = ge.Const "s" dense<[4]> : tensor<1xi64>
  %m = ge.op "RandomUniform" "m"(shape = %s) {dtype = f32} : (tensor<1xi64>) -> tensor<4xf32>
  %n = ge.op "RandomUniform" "n"(shape = %s) {dtype = f32} : (tensor<1xi64>) -> tensor<4xf32>
  %o = ge.op "OnnxRandomNormalLike" "o"(input = %x) : (tensor<4xf32>) -> tensor<4xf32>
  %p = ge.op "OnnxRandomNormalLike" "p"(input = %x) : (tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %f, input1 = %g, input2 = %h, input3 = %i, input4 = %k, input5 = %m, input6 = %n, input7 = %o, input8 = %p) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
}

// A graph that writes variables reads them in order.
ge.graph "updates" {
  %v = ge.Variable "v" : tensor<4xf32>
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %a = ge.op "Neg" "before"(x = %v) : (tensor<4xf32>) -> tensor<4xf32>
  %s = ge.op "Assign" "assign"(ref = %v, value = %x) after ["before"] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = ge.op "Neg" "behind"(x = %v) after ["assign"] : (tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %a, input1 = %b) : (tensor<4xf32>, tensor<4xf32>)
}

// CHECK:      ge.graph "net" {
// CHECK-NEXT: ge.Data "x"
// CHECK-NEXT: ge.Const "c"
// CHECK-NEXT: ge.Const "e"
// CHECK-NEXT: ge.op "Add" "a"(x1 = %x, x2 = %c)
// CHECK-NEXT: ge.op "Add" "other"(x1 = %x, x2 = %e)
// CHECK-NEXT: ge.op "LeakyRelu" "g"(x = %a)
// CHECK-NEXT: ge.op "LeakyRelu" "h"(x = %a)
// CHECK-NEXT: ge.op "LeakyRelu" "k"(x = %a) after ["other"]
// CHECK-NEXT: ge.Const "s"
// CHECK-NEXT: ge.op "RandomUniform" "m"
// CHECK-NEXT: ge.op "RandomUniform" "n"
// CHECK-NEXT: ge.op "OnnxRandomNormalLike" "o"
// CHECK-NEXT: ge.op "OnnxRandomNormalLike" "p"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %f, input1 = %g, input2 = %h, input3 = %g, input4 = %k, input5 = %m, input6 = %n, input7 = %o, input8 = %p)
// CHECK:      ge.op "Neg" "before"
// CHECK:      ge.op "Neg" "behind"
