// RUN: ascend-opt %s -p 'convert-ge-to-om{soc=Ascend910B3}' | filecheck %s

ge.graph "net" attributes {attr_model_out_nodes_name = ["flat:0:y"]} {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x64x4xf32>
  %w = ge.Const "w" #weights.splat<1.0 : f32, 256> : tensor<1x64x4xf32>
  %a = ge.op "Add" "a"(x1 = %x, x2 = %w) {_kernelname = "te_add", tvm_blockdim = 2 : i64, _ge_attr_op_kernel_lib_name = "AIcoreEngine"} : (tensor<1x64x4xf32>, tensor<1x64x4xf32>) -> tensor<1x64x4xf32>
  %b = ge.op "Add" "b"(x1 = %a, x2 = %w) {_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel"} : (tensor<1x64x4xf32>, tensor<1x64x4xf32>) -> tensor<1x64x4xf32>
  %c = ge.op "Flatten" "flat"(x = %b) {_no_task = true} : (tensor<1x64x4xf32>) -> tensor<1x256xf32>
  ge.NetOutput "Node_Output"(input0 = %c) : (tensor<1x256xf32>)
}

// Every node that the device works for has a task: on which stream and at which addresses is for
// the passes that follow.
// CHECK:      om.model "net" ir_version 2 platform "{{.*}}" attributes {attr_model_out_nodes_name = ["flat:0:y"], soc_version = "Ascend910B3", target_type = "MINI"} {
// CHECK-NEXT: ge.graph "net" {
// CHECK-NEXT: ge.Data "x" {index = 0 : i64} :
// CHECK:      ge.NetOutput
// CHECK-NEXT: }
// CHECK-NEXT: om.kernel "a" : "TE" "te_add" stream 0 block_dim 2 args []
// CHECK-NEXT: om.kernel "b" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
// CHECK-NEXT: }

ge.bundle {
  ge.graph "infer" {
    %u = ge.Variable "u_var" : tensor<4xf32>
    %y = ge.op "Relu" "r"(x = %u) : (tensor<4xf32>) -> tensor<4xf32>
    ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xf32>)
  }
  ge.graph "update" {
    %d = ge.Data "d" {index = 0 : i64} : tensor<*xf32>
    ge.op "If" "if"(cond = %d, input0 = %d) : (tensor<*xf32>, tensor<*xf32>) {
      ge.graph "then" {
        %v = ge.Variable "u_var" : tensor<4xf32>
        %t = ge.Data "then_data" {_parent_node_index = 1 : i64} : tensor<4xf32>
        %a = ge.op "Assign" "assign"(ref = %v, value = %t) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      }
    } {
      ge.graph "else" {
      }
    }
  }
}

// A graph of open shapes, or with subgraphs, is walked by the device: it has no tasks.
// CHECK:      om.bundle var_size 0 {
// CHECK-NEXT:   om.model "infer" ir_version
// CHECK:          om.kernel "r" : "AI_CPU"
// CHECK:        om.model "update" dynamic ir_version
// CHECK-NOT:    om.kernel
