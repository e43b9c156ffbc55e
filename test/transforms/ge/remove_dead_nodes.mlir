// RUN: ascend-opt %s -p ge-remove-dead-nodes | filecheck %s

ge.graph "net" {
  // Inputs and variables are the model's interface.
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %unused = ge.Data "unused" {index = 1 : i64} : tensor<4xf32>
  %v = ge.Variable "v" : tensor<4xf32>
  %c = ge.Const "c" #weights.splat<2.0 : f32, 4> : tensor<4xf32>
  %a = ge.op "Mul" "scaled"(x1 = %x, x2 = %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = ge.op "Exp" "power"(x = %a) : (tensor<4xf32>) -> tensor<4xf32>
  // Somebody waits for this one, and that node is needed.
  %w = ge.op "Neg" "first"(x = %x) : (tensor<4xf32>) -> tensor<4xf32>
  %y = ge.op "Relu" "relu"(x = %x) after ["first"] : (tensor<4xf32>) -> tensor<4xf32>
  // A node with an effect stays.
  %s = ge.op "Assign" "assign"(ref = %v, value = %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xf32>)
}

// A graph without outputs is there for its effects.
ge.graph "init" {
  %v = ge.Variable "v" : tensor<4xf32>
  %c = ge.Const "c" #weights.splat<2.0 : f32, 4> : tensor<4xf32>
}

// CHECK:      ge.graph "net" {
// CHECK-NEXT: ge.Data "x"
// CHECK-NEXT: ge.Data "unused"
// CHECK-NEXT: ge.Variable "v"
// CHECK-NEXT: ge.op "Neg" "first"
// CHECK-NEXT: ge.op "Relu" "relu"(x = %x) after ["first"]
// CHECK-NEXT: ge.op "Assign" "assign"
// CHECK-NEXT: ge.NetOutput
// CHECK:      ge.graph "init" {
// CHECK-NEXT: ge.Variable "v"
// CHECK-NEXT: ge.Const "c"
