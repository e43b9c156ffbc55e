// RUN: ascend-opt %s -p ge-remove-identity | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %i = ge.op "Identity" "same"(x = %x) : (tensor<4xf32>) -> tensor<4xf32>
  %d = ge.op "Dropout" "drop"(x = %i) : (tensor<4xf32>) -> tensor<4xf32>
  %r = ge.op "Relu" "relu"(x = %d) : (tensor<4xf32>) -> tensor<4xf32>
  // Who waited for a removed node waits for what it waited for, and for who made its input.
  %s = ge.op "Sqrt" "root"(x = %r) : (tensor<4xf32>) -> tensor<4xf32>
  %j = ge.op "Identity" "late"(x = %r) after ["root"] : (tensor<4xf32>) -> tensor<4xf32>
  %k = ge.op "Identity" "later"(x = %j) : (tensor<4xf32>) -> tensor<4xf32>
  %e = ge.op "Exp" "exp"(x = %x) after ["later"] : (tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %r, input1 = %e) : (tensor<4xf32>, tensor<4xf32>)
}

// CHECK:      ge.graph "net" {
// CHECK-NEXT: %x = ge.Data "x"
// CHECK-NEXT: ge.op "Relu" "relu"(x = %x)
// CHECK-NEXT: ge.op "Sqrt" "root"(x = %r)
// CHECK-NEXT: ge.op "Exp" "exp"(x = %x) after ["root", "relu"]
// CHECK-NEXT: ge.NetOutput
