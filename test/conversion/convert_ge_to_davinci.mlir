// RUN: ascend-opt %s -p 'convert-ge-to-davinci{soc=Ascend910B4}' | filecheck %s

// Equal nodes share a kernel, in whatever graph they are; views and containers get no task;
// what has no builder, or a shape that is known at run time only, goes to the AI CPU and says why.
// Kernels compute on tensors: how they are cut, and on how many cores they run, is open.

// CHECK: ge.op "Relu" "first"(x = %x) {_ge_attr_op_kernel_lib_name = "AIcoreEngine", _kernelname = "[[RELU:te_relu_[0-9a-f]+__kernel0]]", _cube_vector_core_type = "AIV"}
// CHECK: ge.op "Relu" "second"{{.*}}_kernelname = "[[RELU]]"
// CHECK: ge.op "Relu" "other"{{.*}}_kernelname = "[[OTHER:te_relu_[0-9a-f]+__kernel0]]"
// CHECK: ge.op "Reshape" "view"{{.*}}_ge_attr_op_kernel_lib_name = "DNN_VM_GE_LOCAL_OP_STORE", _no_task = true
// CHECK: ge.op "Where" "cpu"{{.*}}_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "there is no kernel builder"}
// CHECK: ge.op "Relu" "dynamic"{{.*}}_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel", _ascend_opt_ai_cpu_reason = "a shape is known at run time only"}
// CHECK: ge.op "Transpose" "complex"{{.*}}_ascend_opt_ai_cpu_reason = "the AI Core holds no elements of complex<f32>"}
// CHECK: ge.op "MatMulV2" "product"{{.*}}_kernelname = "[[PRODUCT:te_matmulv2_[0-9a-f]+__kernel0]]", _cube_vector_core_type = "AIC"
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
    %c = ge.Data "c" : tensor<8x4xcomplex<f32>>
    %turned = ge.op "Transpose" "complex"(x = %c, perm = %shape) : (tensor<8x4xcomplex<f32>>, tensor<2xi64>) -> tensor<4x8xcomplex<f32>>
    %7 = ge.op "MatMulV2" "product"(x1 = %3, x2 = %3) {transpose_x1 = true} : (tensor<1024x64xf16>, tensor<1024x64xf16>) -> tensor<64x64xf16>
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

// CHECK:      davinci.kernel @[[RELU]] {core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"}(%x: tensor<64x1024xf16>, %y: tensor<64x1024xf16>) {
// CHECK-NEXT:   [[R:%[0-9]+]] = davinci.tile "Relu" ins(x = %x{{(_[0-9])?}}) outs(%y) : (tensor<64x1024xf16>) -> tensor<64x1024xf16>
// CHECK-NEXT:   davinci.return [[R]] : tensor<64x1024xf16>
// CHECK-NEXT: }
// CHECK-NEXT: davinci.kernel @[[OTHER]]
// CHECK:      davinci.kernel @[[PRODUCT]] {core_type = "AIC"
// CHECK-NEXT:   davinci.tile "MatMulV2" ins(x1 = %x1, x2 = %x2) outs(%y{{(_[0-9])?}}) {transpose_x1 = true} : (tensor<1024x64xf16>, tensor<1024x64xf16>) -> tensor<64x64xf16>
// CHECK-NOT:  davinci.kernel
