// RUN: ascend-opt %s -p 'convert-ge-to-om,om-assign-streams,om-plan-memory' | filecheck %s

// What a kernel needs for itself lies in feature memory while its node runs, apart from what the
// node reads and writes; the node says where and how large, and the task has the address as well.

// CHECK: ge.op "MatMulV2" "product"{{.*}}placement = #om.placement<2 on 0 inputs [[[X:[0-9]+]], [[W:[0-9]+]]] outputs [[[Y:[0-9]+]]] workspaces [0] workspace_bytes [4096]>}
// CHECK: ge.op "Relu" "relu"{{.*}}placement = #om.placement<3 on 0 inputs [{{[0-9]+}}] outputs [{{[0-9]+}}]>}
// CHECK: om.kernel "product" : "MIX_AICORE" "mixed" stream 0 block_dim 2 args [{{[0-9]+}}, {{[0-9]+}}, {{[0-9]+}}, 2147483648]
// CHECK: om.kernel "relu" : "TE" "relu" stream 0 block_dim 1 args [{{[0-9]+}}, {{[0-9]+}}]
ge.graph "graph" {
  %x = ge.Data "x" : tensor<16x16xf16>
  %w = ge.Data "w" : tensor<16x16xf16>
  %0 = ge.op "MatMulV2" "product"(x1 = %x, x2 = %w) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "mixed", tvm_blockdim = 2, _cube_vector_core_type = "MIX_AIC"} : (tensor<16x16xf16>, tensor<16x16xf16>) -> tensor<16x16xf16>
  %1 = ge.op "Relu" "relu"(x = %0) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "relu", tvm_blockdim = 1, _cube_vector_core_type = "AIV"} : (tensor<16x16xf16>) -> tensor<16x16xf16>
  ge.NetOutput "output"(x0 = %1) : (tensor<16x16xf16>)
}

davinci.kernel @mixed {block_dim = 2, core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4", workspaces = 1} (%x : memref<16x16xf16, #davinci.space<gm>>, %w : memref<16x16xf16, #davinci.space<gm>>, %y : memref<16x16xf16, #davinci.space<gm>>, %between : memref<8x16x16xf16, #davinci.space<gm>>) {
  davinci.function AIC {}
  davinci.function AIV {}
}
