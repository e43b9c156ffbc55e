// RUN: ascend-opt %s -p davinci-lower-tiles | filecheck %s

// A kernel on tensors becomes loops over tiles in buffers, and its nodes note the cores; a node
// whose kernel cannot be built goes to the AI CPU, and the kernel is gone.

// CHECK: ge.op "Relu" "relu"{{.*}}_kernelname = "relu", _cube_vector_core_type = "AIV", tvm_blockdim = 14 : i64}
// CHECK: ge.op "Mul" "mul"{{.*}} {_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "the vector unit computes with f16 and f32, not i64"}
ge.graph "graph" {
  %x = ge.Data "x" : tensor<64x1024xf16>
  %0 = ge.op "Relu" "relu"(x = %x) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "relu", _cube_vector_core_type = "AIV"} : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
  %i = ge.Data "i" : tensor<2xi64>
  %1 = ge.op "Mul" "mul"(x1 = %i, x2 = %i) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "mul", _cube_vector_core_type = "AIV"} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  ge.NetOutput "output"(x0 = %0, x1 = %1) : (tensor<64x1024xf16>, tensor<2xi64>)
}

// CHECK:      davinci.kernel @relu {block_dim = 14 : i64, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"}(%x: memref<64x1024xf16, #davinci.space<gm>>, %y: memref<64x1024xf16, #davinci.space<gm>>) {
// CHECK-NEXT:   %block = davinci.block_idx
// CHECK-NEXT:   [[SIZE:%[0-9]+]] = affine.min affine_map<(d0) -> (((d0 * -4864) + 65536), 4864)> (%block)
// CHECK-NEXT:   %x0 = davinci.alloc {buffers = 1 : i64} : memref<4864xf16, #davinci.space<ub>>
// CHECK-NEXT:   [[AT:%[0-9]+]] = affine.apply affine_map<(d0) -> ((d0 * 4864))> (%block)
// CHECK-NEXT:   davinci.load %x0[0 : 1], %x{{(_[0-9])?}}[[[AT]] : 1] sizes [[[SIZE]]]
// CHECK:        davinci.unary relu
// CHECK:        davinci.store
// CHECK-NEXT: }
davinci.kernel @relu {core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : tensor<64x1024xf16>, %y : tensor<64x1024xf16>) {
  %r = davinci.tile "Relu" ins(x = %x) outs(%y) : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
  davinci.return %r : tensor<64x1024xf16>
}
// CHECK-NOT: davinci.kernel @mul
davinci.kernel @mul {core_type = "AIV", op_type = "Mul", soc = "Ascend910B4"} (%a : tensor<2xi64>, %b : tensor<2xi64>, %y : tensor<2xi64>) {
  %r = davinci.tile "Mul" ins(x1 = %a, x2 = %b) outs(%y) : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  davinci.return %r : tensor<2xi64>
}

// CHECK:      davinci.kernel @product {block_dim = 1 : i64, core_type = "AIC"
// CHECK:        %a_l1 = davinci.alloc {buffers = 1 : i64} : memref<16x{{[0-9]+}}xf16, #davinci.layout<nz>, #davinci.space<l1>>
// CHECK-NEXT:   davinci.nd2nz %a_l1
// CHECK:        davinci.mmad {{.*}} accumulate =
// CHECK:        davinci.fixpipe
davinci.kernel @product {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : tensor<16x64xf16>, %b : tensor<64x16xf16>, %y : tensor<16x16xf16>) {
  %r = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%y) : (tensor<16x64xf16>, tensor<64x16xf16>) -> tensor<16x16xf16>
  davinci.return %r : tensor<16x16xf16>
}
