// RUN: ascend-opt %s -p ge-remove-identity | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %i = ge.op "Identity" "same"(x = %x) : (tensor<4xf32>) -> tensor<4xf32>
  %d = ge.op "Dropout" "drop"(x = %i) : (tensor<4xf32>) -> tensor<4xf32>
  %r = ge.op "Relu" "relu"(x = %d) : (tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %r) : (tensor<4xf32>)
}

// CHECK:      ge.graph "net" {
// CHECK-NEXT: %x = ge.Data "x"
// CHECK-NEXT: ge.op "Relu" "relu"(x = %x)
// CHECK-NEXT: ge.NetOutput
