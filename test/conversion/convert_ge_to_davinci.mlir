// RUN: ascend-opt %s -p 'convert-ge-to-davinci{soc=Ascend910B4}' | filecheck %s

// Equal nodes share a kernel, in whatever graph they are; views and containers get no task;
// what has no kernel, or a shape that is known at run time only, goes to the AI CPU and says why.

// CHECK: ge.op "Relu" "first"(x = %x) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "[[RELU:te_relu_[0-9a-f]+__kernel0]]", tvm_blockdim = 37 : i64, _cube_vector_core_type = "AIV"}
// CHECK: ge.op "Relu" "second"{{.*}}_kernelname = "[[RELU]]"
// CHECK: ge.op "Relu" "other"{{.*}}_kernelname = "[[OTHER:te_relu_[0-9a-f]+__kernel0]]"
// CHECK: ge.op "Reshape" "view"{{.*}}_ge_attr_op_kernel_lib_name = "DNN_VM_GE_LOCAL_OP_STORE", _no_task = true
// CHECK: ge.op "Where" "cpu"{{.*}}_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "there is no kernel builder"}
// CHECK: ge.op "Relu" "dynamic"{{.*}}_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "a shape is known at run time only"}
// CHECK: ge.op "Mul" "integers"{{.*}}_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "the vector unit computes with f16 and f32, not i64"}
// CHECK: ge.op "MatMulV2" "product"{{.*}}_kernelname = "[[PRODUCT:te_matmulv2_[0-9a-f]+__kernel0]]", tvm_blockdim = {{[0-9]+}} : i64, _cube_vector_core_type = "AIC"
ge.bundle {
  ge.graph "inference" {
    %x = ge.Data "x" : tensor<64x1024xf16>
    %shape = ge.Const "shape" dense<[1024, 64]> : tensor<2xi64>
    %0 = ge.op "Relu" "first"(x = %x) : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
    %1 = ge.op "Relu" "second"(x = %0) : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
    %w = ge.Data "w" : tensor<8xf32>
    %2 = ge.op "Relu" "other"(x = %w) : (tensor<8xf32>) -> tensor<8xf32>
    %3 = ge.op "Reshape" "view"(x = %1, shape = %shape) : (tensor<64x1024xf16>, tensor<2xi64>) -> tensor<1024x64xf16>
    %4 = ge.op "Where" "cpu"(x = %3) : (tensor<1024x64xf16>) -> tensor<?x2xi64>
    %d = ge.Data "d" : tensor<?x8xf16>
    %5 = ge.op "Relu" "dynamic"(x = %d) : (tensor<?x8xf16>) -> tensor<?x8xf16>
    %6 = ge.op "Mul" "integers"(x1 = %shape, x2 = %shape) : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    %7 = ge.op "MatMulV2" "product"(x1 = %1, x2 = %3) : (tensor<64x1024xf16>, tensor<1024x64xf16>) -> tensor<64x64xf16>
    ge.NetOutput "output"(x0 = %7) : (tensor<64x64xf16>)
  }
  // CHECK: ge.op "PartitionedCall" "call"{{.*}}_ge_attr_op_kernel_lib_name = "DNN_VM_GE_LOCAL_OP_STORE", _no_task = true
  // CHECK: ge.op "Relu" "inner"{{.*}}_kernelname = "[[RELU]]"
  ge.graph "update" {
    %x = ge.Data "x" : tensor<64x1024xf16>
    %y = ge.op "PartitionedCall" "call"(args0 = %x) : (tensor<64x1024xf16>) -> tensor<64x1024xf16> {
      ge.graph "body" {
        %a = ge.Data "a" : tensor<64x1024xf16>
        %b = ge.op "Relu" "inner"(x = %a) : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
        ge.NetOutput "result"(x0 = %b) : (tensor<64x1024xf16>)
      }
    }
    ge.NetOutput "output"(x0 = %y) : (tensor<64x1024xf16>)
  }
}

// CHECK:      davinci.kernel @[[RELU]] {block_dim = 37 : i64, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"}(%x: memref<64x1024xf16, #davinci.space<gm>>, %y: memref<64x1024xf16, #davinci.space<gm>>) {
// CHECK-NEXT:   %block = davinci.block_idx
// CHECK-NEXT:   [[SIZE:%[0-9]+]] = affine.min affine_map<(d0) -> (((d0 * -1792) + 65536), 1792)> (%block)
// CHECK-NEXT:   %x0 = davinci.alloc {buffers = 1 : i64} : memref<1792xf16, #davinci.space<ub>>
// CHECK-NEXT:   [[AT:%[0-9]+]] = affine.apply affine_map<(d0) -> ((d0 * 1792))> (%block)
// CHECK-NEXT:   davinci.load %x0[0 : 1], %x{{(_[0-9])?}}[[[AT]] : 1] sizes [[[SIZE]]]
// CHECK:        davinci.unary relu
// CHECK:        davinci.store
// CHECK-NEXT: }
// CHECK-NEXT: davinci.kernel @[[OTHER]]
// CHECK:      davinci.kernel @[[PRODUCT]]
// CHECK:        davinci.nd2nz
// CHECK:        davinci.mmad {{.*}} accumulate = 
// CHECK:        davinci.fixpipe
// CHECK-NOT:  davinci.kernel
