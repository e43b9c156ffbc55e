// RUN: ascend-opt %s -p ge-cancel-casts | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf16>
  %y = ge.Data "y" {index = 1 : i64} : tensor<4xf32>
  %i = ge.Data "i" {index = 2 : i64} : tensor<4xi32>
  // Up and down again loses nothing.
  %a = ge.op "Cast" "up"(x = %x) {dst_type = 0 : i64} : (tensor<4xf16>) -> tensor<4xf32>
  %b = ge.op "Cast" "down"(x = %a) {dst_type = 1 : i64} : (tensor<4xf32>) -> tensor<4xf16>
  // Down and up again rounds.
  %c = ge.op "Cast" "narrow"(x = %y) {dst_type = 1 : i64} : (tensor<4xf32>) -> tensor<4xf16>
  %d = ge.op "Cast" "widen"(x = %c) {dst_type = 0 : i64} : (tensor<4xf16>) -> tensor<4xf32>
  // The first step of two is left out.
  %e = ge.op "Cast" "far"(x = %d) {SrcT = 0 : i64, dst_type = 11 : i64} : (tensor<4xf32>) -> tensor<4xf64>
  // An integer that becomes a smaller one wraps, a float saturates: both steps count.
  %f = ge.op "Cast" "float"(x = %i) {dst_type = 11 : i64} : (tensor<4xi32>) -> tensor<4xf64>
  %g = ge.op "Cast" "byte"(x = %f) {dst_type = 2 : i64} : (tensor<4xf64>) -> tensor<4xi8>
  // Nothing changes.
  %h = ge.op "Cast" "same"(x = %g) {dst_type = 2 : i64} : (tensor<4xi8>) -> tensor<4xi8>
  // A float32 holds 24 bits of an integer, not 31.
  %j = ge.op "Cast" "rounded"(x = %i) {dst_type = 0 : i64} : (tensor<4xi32>) -> tensor<4xf32>
  %k = ge.op "Cast" "whole"(x = %j) {dst_type = 3 : i64} : (tensor<4xf32>) -> tensor<4xi32>
  ge.NetOutput "Node_Output"(input0 = %b, input1 = %e, input2 = %h, input3 = %k) : (tensor<4xf16>, tensor<4xf64>, tensor<4xi8>, tensor<4xi32>)
}

// What is known of a tensor besides its elements does not matter.
ge.graph "unranked" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<*xf16>
  %a = ge.op "Cast" "up"(x = %x) {dst_type = 0 : i64} : (tensor<*xf16>) -> tensor<*xf32>
  %b = ge.op "Cast" "down"(x = %a) {dst_type = 1 : i64} : (tensor<*xf32>) -> tensor<*xf16>
  ge.NetOutput "Node_Output"(input0 = %b) : (tensor<*xf16>)
}

// CHECK-NOT:  ge.op "Cast" "up"
// CHECK:      ge.op "Cast" "narrow"(x = %y)
// CHECK-NEXT: ge.op "Cast" "far"(x = %c) {SrcT = 1 : i64, dst_type = 11 : i64} : (tensor<4xf16>) -> tensor<4xf64>
// CHECK-NEXT: ge.op "Cast" "float"
// CHECK-NEXT: ge.op "Cast" "byte"
// CHECK-NEXT: ge.op "Cast" "rounded"
// CHECK-NEXT: ge.op "Cast" "whole"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %x, input1 = %e, input2 = %g, input3 = %k)
// CHECK-LABEL: ge.graph "unranked"
// CHECK-NEXT: %x = ge.Data
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %x)
