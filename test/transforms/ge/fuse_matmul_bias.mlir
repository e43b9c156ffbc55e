// RUN: ascend-opt %s -p ge-fuse-matmul-bias | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x4x8xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 512> : tensor<8x16xf32>
  %b = ge.Const "b" #weights.file<"m.weights", 512 + 64> : tensor<16xf32>
  %m = ge.op "BatchMatMul" "mm"(x1 = %x, x2 = %w) {adj_x1 = false} : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  %a = ge.op "Add" "add"(x1 = %b, x2 = %m) : (tensor<16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  // The product is read by another node, too.
  %n = ge.op "BatchMatMulV2" "shared"(x1 = %x, x2 = %w) : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  %c = ge.op "Add" "sum"(x1 = %n, x2 = %b) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  // Somebody waits for the sum.
  %p = ge.op "BatchMatMulV2" "waited"(x1 = %x, x2 = %w) : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  %d = ge.op "Add" "first"(x1 = %p, x2 = %b) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %e = ge.op "Relu" "second"(x = %x) after ["first"] : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  // A column is no bias.
  %l = ge.Const "l" #weights.file<"m.weights", 576 + 16> : tensor<4x1xf32>
  %q = ge.op "BatchMatMulV2" "product"(x1 = %x, x2 = %w) : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  %f = ge.op "Add" "column"(x1 = %q, x2 = %l) : (tensor<2x4x16xf32>, tensor<4x1xf32>) -> tensor<2x4x16xf32>
  ge.NetOutput "Node_Output"(input0 = %a, input1 = %n, input2 = %c, input3 = %d, input4 = %e, input5 = %f) : (tensor<2x4x16xf32>, tensor<2x4x16xf32>, tensor<2x4x16xf32>, tensor<2x4x16xf32>, tensor<2x4x8xf32>, tensor<2x4x16xf32>)
}

// CHECK:      [[M:%.+]] = ge.op "BatchMatMulV2" "mm"(x1 = %x, x2 = %w, bias = %b) {adj_x1 = false, has_bias = true, _datadump_original_op_names = ["mm", "add"]} :
// CHECK-NEXT: ge.op "BatchMatMulV2" "shared"(x1 = %x, x2 = %w) :
// CHECK-NEXT: ge.op "Add" "sum"
// CHECK-NEXT: ge.op "BatchMatMulV2" "waited"
// CHECK-NEXT: ge.op "Add" "first"
// CHECK-NEXT: ge.op "Relu" "second"(x = %x) after ["first"]
// CHECK-NEXT: ge.Const "l"
// CHECK-NEXT: ge.op "BatchMatMulV2" "product"(x1 = %x, x2 = %w) :
// CHECK-NEXT: ge.op "Add" "column"
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[M]],

// What has no rank may have any.
ge.graph "unranked" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<?x8xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 512> : tensor<8x16xf32>
  %b = ge.Const "b" #weights.file<"m.weights", 512 + 64> : tensor<16xf32>
  %u = ge.op "Test" "test"(input0 = %x) : (tensor<?x8xf32>) -> tensor<*xf32>
  %m = ge.op "BatchMatMulV2" "mm"(x1 = %u, x2 = %w) : (tensor<*xf32>, tensor<8x16xf32>) -> tensor<*xf32>
  %a = ge.op "Add" "add"(x1 = %m, x2 = %b) : (tensor<*xf32>, tensor<16xf32>) -> tensor<*xf32>
  ge.NetOutput "Node_Output"(input0 = %a) : (tensor<*xf32>)
}

// CHECK-LABEL: ge.graph "unranked"
// CHECK: ge.op "Add" "add"
