// RUN: ascend-opt %s -p om-assign-streams | filecheck %s

om.model "net" ir_version 2 platform "" attributes {soc_version = "Ascend910B3"} {
  ge.graph "net" {
    %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
    %a = ge.op "Relu" "a"(x = %x) {_ge_attr_op_kernel_lib_name = "AIcoreEngine"} : (tensor<4xf32>) -> tensor<4xf32>
    %b = ge.op "Exp" "b"(x = %a) {_ge_attr_op_kernel_lib_name = "AIcoreEngine"} : (tensor<4xf32>) -> tensor<4xf32>
    %c = ge.op "Add" "c"(x1 = %a, x2 = %b) {_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    ge.NetOutput "Node_Output"(input0 = %c) : (tensor<4xf32>)
  }
  om.kernel "a" : "TE" "te_a" stream 0 block_dim 1 args []
  om.kernel "b" : "TE" "te_b" stream 0 block_dim 1 args []
  om.kernel "c" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
}

// One event does for both operands: the later of their tasks raises it.
// CHECK:      om.model "net" {{.*}}stream_num = 2 : i64, event_num = 1 : i64
// CHECK:      om.kernel "a" : "TE" "te_a" stream 0
// CHECK-NEXT: om.kernel "b" : "TE" "te_b" stream 0
// CHECK-NEXT: om.event_record 0 stream 0
// CHECK-NEXT: om.event_wait 0 stream 1
// CHECK-NEXT: om.kernel "c" : "AI_CPU" "RunCpuKernel" stream 1

om.model "control" ir_version 2 platform "" attributes {soc_version = "Ascend910B3"} {
  ge.graph "control" {
    %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
    %a = ge.op "Relu" "a"(x = %x) {_ge_attr_op_kernel_lib_name = "AIcoreEngine"} : (tensor<4xf32>) -> tensor<4xf32>
    %c = ge.op "Flatten" "view"(x = %a) {_no_task = true} : (tensor<4xf32>) -> tensor<1x4xf32>
    %b = ge.op "Exp" "b"(x = %x) after ["view"] {_ge_attr_op_kernel_lib_name = "aicpu_ascend_kernel"} : (tensor<4xf32>) -> tensor<4xf32>
    ge.NetOutput "Node_Output"(input0 = %c, input1 = %b) : (tensor<1x4xf32>, tensor<4xf32>)
  }
  om.kernel "a" : "TE" "te_a" stream 0 block_dim 1 args []
  om.kernel "b" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
}

// A control edge orders streams as data does, through a node without a task too.
// CHECK:      om.model "control"
// CHECK:      om.kernel "a" : "TE" "te_a" stream 0
// CHECK-NEXT: om.event_record 0 stream 0
// CHECK-NEXT: om.event_wait 0 stream 1
// CHECK-NEXT: om.kernel "b" : "AI_CPU"

// A dynamic model has no tasks, but a stream; what has streams keeps them.
om.model "walked" dynamic ir_version 2 platform "" attributes {soc_version = "Ascend910B3"} {
  ge.graph "walked" {
  }
}
om.model "assigned" ir_version 2 platform "" attributes {stream_num = 8 : i64} {
  ge.graph "assigned" {
    %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
    %a = ge.op "Relu" "a"(x = %x) : (tensor<4xf32>) -> tensor<4xf32>
    ge.NetOutput "Node_Output"(input0 = %a) : (tensor<4xf32>)
  }
  om.kernel "a" : "TE" "te_a" stream 7 block_dim 1 args []
}

// CHECK:      om.model "walked" dynamic {{.*}}stream_num = 1 : i64, event_num = 0 : i64
// CHECK:      om.model "assigned" {{.*}}stream_num = 8 : i64}
// CHECK:      om.kernel "a" : "TE" "te_a" stream 7
