// RUN: ascend-opt %s -p davinci-select-tiles | filecheck %s
// RUN: ascend-opt %s -p 'davinci-select-tiles{sizes="MatMulV2:m=64,k=32"}' | filecheck %s --check-prefix FORCED

// A product is cut as its planner has it; what is chosen already stays, unless it is set by hand.

// CHECK-LABEL: davinci.kernel @product
// CHECK: davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%y) tiles {m = {{[1-9][0-9]+}} : i64, n = {{[1-9][0-9]+}} : i64, k = {{[1-9][0-9]+}} : i64{{.*}}} : (tensor<512x512xf16>, tensor<512x512xf16>) -> tensor<512x512xf16>
// FORCED-LABEL: davinci.kernel @product
// FORCED: tiles {m = 64 : i64, n = {{[0-9]+}} : i64, k = 32 : i64
davinci.kernel @product {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : tensor<512x512xf16>, %b : tensor<512x512xf16>, %y : tensor<512x512xf16>) {
  %r = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%y) : (tensor<512x512xf16>, tensor<512x512xf16>) -> tensor<512x512xf16>
  davinci.return %r : tensor<512x512xf16>
}

// CHECK-LABEL: davinci.kernel @chosen
// CHECK: tiles {m = 16 : i64, n = 32 : i64}
davinci.kernel @chosen {core_type = "AIC", op_type = "BatchMatMulV2", soc = "Ascend910B4"} (%a : tensor<512x512xf16>, %b : tensor<512x512xf16>, %y : tensor<512x512xf16>) {
  %r = davinci.tile "BatchMatMulV2" ins(x1 = %a, x2 = %b) outs(%y) tiles {m = 16, n = 32} : (tensor<512x512xf16>, tensor<512x512xf16>) -> tensor<512x512xf16>
  davinci.return %r : tensor<512x512xf16>
}

// Vector operators are cut when they are lowered.
// CHECK-LABEL: davinci.kernel @vector
// CHECK: davinci.tile "Relu" ins(x = %{{.*}}) outs(%{{.*}}) : (tensor<8xf16>) -> tensor<8xf16>
davinci.kernel @vector {core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : tensor<8xf16>, %y : tensor<8xf16>) {
  %r = davinci.tile "Relu" ins(x = %x) outs(%y) : (tensor<8xf16>) -> tensor<8xf16>
  davinci.return %r : tensor<8xf16>
}
