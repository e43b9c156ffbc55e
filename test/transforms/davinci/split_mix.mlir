// RUN: ascend-opt %s -p davinci-split-mix | filecheck %s
// RUN: ascend-opt %s -p 'davinci-split-mix,davinci-select-tiles,davinci-lower-tiles' | filecheck %s --check-prefix LOWERED

// Cube cores get the product, the vector cores beside them what follows; what is between them is a
// tensor of the kernel's own. Relu is the fixpipe's, and coupled cores do both.

// CHECK:      davinci.kernel @gelu {core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4"}(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %s: tensor<64xf16>, %y: tensor<64x64xf16>) {
// CHECK-NEXT:   %between = davinci.empty : tensor<64x64xf16>
// CHECK-NEXT:   davinci.function AIC {
// CHECK-NEXT:     %p = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%between)
// CHECK-NEXT:     davinci.return %p : tensor<64x64xf16>
// CHECK-NEXT:   }
// CHECK-NEXT:   davinci.function AIV {
// CHECK-NEXT:     %inner = davinci.empty : tensor<64x64xf16>
// CHECK-NEXT:     %g = davinci.tile "Gelu" ins(x = %between) outs(%inner)
// CHECK-NEXT:     %r = davinci.tile "Mul" ins(x1 = %g, x2 = %s) outs(%y)
// CHECK-NEXT:     davinci.return %r : tensor<64x64xf16>
// CHECK-NEXT:   }
// CHECK-NEXT: }

// LOWERED:      davinci.kernel @gelu {block_dim = {{[0-9]+}} : i64, core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4", workspaces = 1 : i64}({{.*}}%between: memref<64x64xf16, #davinci.space<gm>>) {
// LOWERED-NEXT:   davinci.function AIC {
// LOWERED:          davinci.fixpipe %between
// LOWERED-NEXT:     davinci.cross_set FIX mode 2 flag 0
// LOWERED:        davinci.function AIV {
// LOWERED:          %sub_block = davinci.sub_block_idx
// LOWERED:          davinci.cross_wait MTE2 mode 2 flag 0
// LOWERED:          davinci.load {{.*}}, %between
// LOWERED:          davinci.store %y
davinci.kernel @gelu {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : tensor<64x64xf16>, %b : tensor<64x64xf16>, %s : tensor<64xf16>, %y : tensor<64x64xf16>) {
  %between = davinci.empty : tensor<64x64xf16>
  %p = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%between) : (tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  %inner = davinci.empty : tensor<64x64xf16>
  %g = davinci.tile "Gelu" ins(x = %p) outs(%inner) : (tensor<64x64xf16>) -> tensor<64x64xf16>
  %r = davinci.tile "Mul" ins(x1 = %g, x2 = %s) outs(%y) : (tensor<64x64xf16>, tensor<64xf16>) -> tensor<64x64xf16>
  davinci.return %r : tensor<64x64xf16>
}

// CHECK:      davinci.kernel @relu {core_type = "AIC"
// CHECK-NOT:    davinci.function
// LOWERED:      davinci.kernel @relu {{.*}}core_type = "AIC"
// LOWERED:        davinci.fixpipe {{.*}} {relu}
davinci.kernel @relu {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : tensor<64x64xf16>, %b : tensor<64x64xf16>, %y : tensor<64x64xf16>) {
  %e = davinci.empty : tensor<64x64xf16>
  %p = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%e) : (tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  %r = davinci.tile "Relu" ins(x = %p) outs(%y) : (tensor<64x64xf16>) -> tensor<64x64xf16>
  davinci.return %r : tensor<64x64xf16>
}
