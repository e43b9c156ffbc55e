// RUN: ascend-opt %s -p ge-fuse-fixpipe | filecheck %s

// Relu goes into the product that it alone reads; its node lists both. A product that others read
// too, or another function behind it, stays.

// CHECK:      ge.graph "graph"
// CHECK:        [[R:%[0-9]+]] = ge.fused "Conv2D" "convrelu"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW", _datadump_original_op_names = ["conv", "relu"]} : (tensor<1x16x8x8xf16>, tensor<16x16x1x1xf16>) -> tensor<1x16x8x8xf16> {
// CHECK-NEXT:     ge.graph "convrelu" {
// CHECK-NEXT:       [[X:%[0-9]+]] = ge.Data "convrelu/input0" {index = 0 : i64, _parent_node_index = 0 : i64} : tensor<1x16x8x8xf16>
// CHECK-NEXT:       [[W:%[0-9]+]] = ge.Data "convrelu/input1" {index = 1 : i64, _parent_node_index = 1 : i64} : tensor<16x16x1x1xf16>
// CHECK-NEXT:       [[P:%[0-9]+]] = ge.op "Conv2D" "conv"(x = [[X]], filter = [[W]])
// CHECK-NEXT:       [[Y:%[0-9]+]] = ge.op "Relu" "relu"(x = [[P]])
// CHECK-NEXT:       ge.NetOutput "convrelu/NetOutput"(input0 = [[Y]])
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK:        ge.op "Conv2D" "read_twice"
// CHECK:        ge.op "Relu" "relu_of_it"
// CHECK:        ge.op "Conv2D" "tanh_behind"
// CHECK:        ge.op "Tanh" "tanh"
ge.graph "graph" {
  %x = ge.Data "x" : tensor<1x16x8x8xf16>
  %w = ge.Data "w" : tensor<16x16x1x1xf16>
  %0 = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x16x8x8xf16>, tensor<16x16x1x1xf16>) -> tensor<1x16x8x8xf16>
  %1 = ge.op "Relu" "relu"(x = %0) : (tensor<1x16x8x8xf16>) -> tensor<1x16x8x8xf16>
  %2 = ge.op "Conv2D" "read_twice"(x = %1, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x16x8x8xf16>, tensor<16x16x1x1xf16>) -> tensor<1x16x8x8xf16>
  %3 = ge.op "Relu" "relu_of_it"(x = %2) : (tensor<1x16x8x8xf16>) -> tensor<1x16x8x8xf16>
  %4 = ge.op "Conv2D" "tanh_behind"(x = %2, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x16x8x8xf16>, tensor<16x16x1x1xf16>) -> tensor<1x16x8x8xf16>
  %5 = ge.op "Tanh" "tanh"(x = %4) : (tensor<1x16x8x8xf16>) -> tensor<1x16x8x8xf16>
  ge.NetOutput "output"(x0 = %3, x1 = %5) : (tensor<1x16x8x8xf16>, tensor<1x16x8x8xf16>)
}
