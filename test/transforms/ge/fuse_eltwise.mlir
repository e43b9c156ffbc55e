// RUN: ascend-opt %s -p ge-fuse-eltwise | filecheck %s

// A node takes in those before it that it alone reads, whatever is broadcast; an input that is read
// twice is one; six go together at most, a cast stays alone, and so does what a control edge binds.

// CHECK:      ge.graph "graph"
// CHECK:        [[S:%[0-9]+]] = ge.fused "Mul" "mulsigmoidadd"(x1 = %x, x2 = %row, __input2 = %column) {_datadump_original_op_names = ["mul", "sigmoid", "add"]} : (tensor<4x8xf16>, tensor<8xf16>, tensor<4x1xf16>) -> tensor<4x8xf16> {
// CHECK:            ge.op "Mul" "mul"
// CHECK:            ge.op "Sigmoid" "sigmoid"
// CHECK:            ge.op "Add" "add"
// CHECK:        ge.op "Cast" "cast"
// CHECK:        ge.fused "Relu" "e1e2e3e4e5e6"
// CHECK:        ge.op "Relu" "e7"
// CHECK:        ge.op "Abs" "waited_for"
// CHECK:        ge.op "Neg" "reader"
ge.graph "graph" {
  %x = ge.Data "x" : tensor<4x8xf16>
  %row = ge.Data "row" : tensor<8xf16>
  %column = ge.Data "column" : tensor<4x1xf16>
  %0 = ge.op "Mul" "mul"(x1 = %x, x2 = %row) : (tensor<4x8xf16>, tensor<8xf16>) -> tensor<4x8xf16>
  %1 = ge.op "Sigmoid" "sigmoid"(x = %column) : (tensor<4x1xf16>) -> tensor<4x1xf16>
  %2 = ge.op "Add" "add"(x1 = %0, x2 = %1) : (tensor<4x8xf16>, tensor<4x1xf16>) -> tensor<4x8xf16>
  %3 = ge.op "Cast" "cast"(x = %2) {dst_type = 0} : (tensor<4x8xf16>) -> tensor<4x8xf32>
  %e1 = ge.op "Relu" "e1"(x = %3) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e2 = ge.op "Relu" "e2"(x = %e1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e3 = ge.op "Relu" "e3"(x = %e2) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e4 = ge.op "Relu" "e4"(x = %e3) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e5 = ge.op "Relu" "e5"(x = %e4) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %e6 = ge.op "Mul" "e6"(x1 = %e5, x2 = %e5) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %e7 = ge.op "Relu" "e7"(x = %e6) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = ge.op "Abs" "waited_for"(x = %x) : (tensor<4x8xf16>) -> tensor<4x8xf16>
  %5 = ge.op "Neg" "reader"(x = %4) after ["waited_for"] : (tensor<4x8xf16>) -> tensor<4x8xf16>
  ge.NetOutput "output"(x0 = %e7, x1 = %5) : (tensor<4x8xf32>, tensor<4x8xf16>)
}

// What a graph assigns must be read when it is time.
// CHECK: ge.graph "update"
// CHECK-NOT: ge.fused
ge.graph "update" {
  %v = ge.Variable "v" : tensor<8xf16>
  %x = ge.Data "x" : tensor<8xf16>
  %0 = ge.op "Relu" "relu"(x = %v) : (tensor<8xf16>) -> tensor<8xf16>
  %1 = ge.op "Assign" "assign"(ref = %v, value = %x) : (tensor<8xf16>, tensor<8xf16>) -> tensor<8xf16>
  %2 = ge.op "Add" "add"(x1 = %0, x2 = %x) : (tensor<8xf16>, tensor<8xf16>) -> tensor<8xf16>
  ge.NetOutput "output"(x0 = %2, x1 = %1) : (tensor<8xf16>, tensor<8xf16>)
}
