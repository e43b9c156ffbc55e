// RUN: ascend-opt %s -p ge-fuse-matmul-eltwise | filecheck %s

// Up to three elementwise nodes join the product before them, of which each alone reads the one
// before; Relu alone is left to the fixpipe, and what is broadcast or read twice stays, and so does
// one node behind a small product.

// CHECK: ge.op "Gelu" "small"
// CHECK: ge.fused "MatMulV2" "productgelu"(x1 = %l, x2 = %m) {_datadump_original_op_names = ["product", "gelu"]}
// CHECK: ge.fused "BatchMatMulV2" "batchesscaledmoretanh"(x1 = %b, x2 = %c, __input2 = %two)
// CHECK: ge.op "Exp" "fourth"
// CHECK: ge.op "MatMulV2" "before_relu"
// CHECK: ge.op "Relu" "relu"
// CHECK: ge.op "MatMulV2" "row"
// CHECK: ge.op "Add" "wider"
// CHECK: ge.op "MatMulV2" "read_twice"
// CHECK: ge.op "Tanh" "tanh2"
ge.graph "graph" {
  %x = ge.Data "x" : tensor<16x16xf16>
  %w = ge.Data "w" : tensor<16x16xf16>
  %0 = ge.op "MatMulV2" "small_product"(x1 = %x, x2 = %w) : (tensor<16x16xf16>, tensor<16x16xf16>) -> tensor<16x16xf16>
  %1 = ge.op "Gelu" "small"(x = %0) : (tensor<16x16xf16>) -> tensor<16x16xf16>
  %l = ge.Data "l" : tensor<1024x16xf16>
  %m = ge.Data "m" : tensor<16x512xf16>
  %l0 = ge.op "MatMulV2" "product"(x1 = %l, x2 = %m) : (tensor<1024x16xf16>, tensor<16x512xf16>) -> tensor<1024x512xf16>
  %l1 = ge.op "Gelu" "gelu"(x = %l0) : (tensor<1024x512xf16>) -> tensor<1024x512xf16>
  %b = ge.Data "b" : tensor<4x16x16xf16>
  %c = ge.Data "c" : tensor<4x16x16xf16>
  %two = ge.Const "two" dense<2.0> : tensor<f16>
  %2 = ge.op "BatchMatMulV2" "batches"(x1 = %b, x2 = %c) : (tensor<4x16x16xf16>, tensor<4x16x16xf16>) -> tensor<4x16x16xf16>
  %3 = ge.op "Mul" "scaled"(x1 = %2, x2 = %two) : (tensor<4x16x16xf16>, tensor<f16>) -> tensor<4x16x16xf16>
  %4 = ge.op "Add" "more"(x1 = %3, x2 = %two) : (tensor<4x16x16xf16>, tensor<f16>) -> tensor<4x16x16xf16>
  %5 = ge.op "Tanh" "tanh"(x = %4) : (tensor<4x16x16xf16>) -> tensor<4x16x16xf16>
  %6 = ge.op "Exp" "fourth"(x = %5) : (tensor<4x16x16xf16>) -> tensor<4x16x16xf16>
  %7 = ge.op "MatMulV2" "before_relu"(x1 = %1, x2 = %w) : (tensor<16x16xf16>, tensor<16x16xf16>) -> tensor<16x16xf16>
  %8 = ge.op "Relu" "relu"(x = %7) : (tensor<16x16xf16>) -> tensor<16x16xf16>
  %r = ge.Data "r" : tensor<1x16xf16>
  %9 = ge.op "MatMulV2" "row"(x1 = %r, x2 = %w) : (tensor<1x16xf16>, tensor<16x16xf16>) -> tensor<1x16xf16>
  %10 = ge.op "Add" "wider"(x1 = %9, x2 = %x) : (tensor<1x16xf16>, tensor<16x16xf16>) -> tensor<16x16xf16>
  %11 = ge.op "MatMulV2" "read_twice"(x1 = %10, x2 = %w) : (tensor<16x16xf16>, tensor<16x16xf16>) -> tensor<16x16xf16>
  %12 = ge.op "Tanh" "tanh2"(x = %11) : (tensor<16x16xf16>) -> tensor<16x16xf16>
  ge.NetOutput "output"(x0 = %6, x1 = %11, x2 = %12, x3 = %8, x4 = %l1) : (tensor<4x16x16xf16>, tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf16>, tensor<1024x512xf16>)
}
