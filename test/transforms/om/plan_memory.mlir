// RUN: ascend-opt %s -p om-plan-memory | filecheck %s

om.model "net" ir_version 2 platform "" attributes {soc_version = "Ascend910B3", stream_num = 2 : i64, event_num = 1 : i64} {
  ge.graph "net" {
    %x = ge.Data "x" {index = 0 : i64} : tensor<1x64x4xf32>
    %w = ge.Const "w" #weights.splat<1.0 : f32, 256> : tensor<1x64x4xf32>
    %f = ge.FileConstant "f" #weights.splat<1.0 : f32, 4> {location = "weight_1", offset = 0 : i64, length = 16 : i64} : tensor<4xf32>
    %a = ge.op "Add" "a"(x1 = %x, x2 = %w) : (tensor<1x64x4xf32>, tensor<1x64x4xf32>) -> tensor<1x64x4xf32>
    %b = ge.op "Add" "b"(x1 = %a, x2 = %f) : (tensor<1x64x4xf32>, tensor<4xf32>) -> tensor<1x64x4xf32>
    %c = ge.op "Flatten" "flat"(x = %b) {_no_task = true} : (tensor<1x64x4xf32>) -> tensor<1x256xf32>
    ge.NetOutput "Node_Output"(input0 = %c) : (tensor<1x256xf32>)
  }
  om.kernel "a" : "TE" "te_add" stream 0 block_dim 2 args []
  om.event_record 0 stream 0
  om.event_wait 0 stream 1
  om.kernel "b" : "AI_CPU" "RunCpuKernel" stream 1 block_dim 1 args []
}

// Constants begin at 512 of their partition, a view lies where its input lies, and input and
// output of the model have places of their own at the end.
// CHECK:      om.model "net" {{.*}}memory_size = 3072 : i64, zero_copy_memory_size = 2048 : i64, weight_size = 2048 : i64
// CHECK-SAME: task_gen_weight_addr = 2147486720 : i64, task_gen_variable_addr = 137438953472 : i64, variable_size = 1536 : i64
// CHECK-NEXT: ge.graph "net" {
// CHECK-NEXT: ge.Data "x" {index = 0 : i64, placement = #om.placement<0 on 0 outputs [1024]>}
// CHECK-NEXT: ge.Const "w" {{.*}}placement = #om.placement<1 on 0 outputs [512]>
// CHECK-NEXT: ge.FileConstant "f" {{.*}}placement = #om.placement<2 on 0 outputs [137438953472]>
// CHECK-NEXT: "a"{{.*}}placement = #om.placement<3 on 0 inputs [1024, 512] outputs [0]>
// CHECK-NEXT: "b"{{.*}}placement = #om.placement<4 on 1 inputs [0, 137438953472] outputs [2048]>
// CHECK-NEXT: "flat"{{.*}}placement = #om.placement<5 on 0 inputs [2048] outputs [2048]>
// CHECK-NEXT: ge.NetOutput
// CHECK-NEXT: }
// CHECK-NEXT: om.kernel "a" : "TE" "te_add" stream 0 block_dim 2 args [2147484672, 2147487232, 2147483648]
// CHECK-NEXT: om.event_record 0 stream 0
// CHECK-NEXT: om.event_wait 0 stream 1
// CHECK-NEXT: om.kernel "b" : "AI_CPU" "RunCpuKernel" stream 1 block_dim 1 args [2147483648, 137438953472, 2147485696]

om.bundle var_size 0 {
  om.model "infer" ir_version 2 platform "" attributes {soc_version = "Ascend910B3", stream_num = 1 : i64} {
    ge.graph "infer" {
      %v = ge.Variable "w_var" : tensor<300xf32>
      %u = ge.Variable "u_var" : tensor<4xf32>
      %y = ge.op "Relu" "r"(x = %u) : (tensor<4xf32>) -> tensor<4xf32>
      ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xf32>)
    }
    om.kernel "r" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
  }
  om.model "update" dynamic ir_version 2 platform "" attributes {soc_version = "Ascend910B3", stream_num = 1 : i64} {
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
}

// Variables of one name have one address in all models of the bundle.
// CHECK:      om.bundle var_size 4096 {
// CHECK-NEXT:   om.model "infer" ir_version
// CHECK:          ge.Variable "w_var" {placement = #om.placement<0 on 0 outputs [137438953472]>}
// CHECK-NEXT:     ge.Variable "u_var" {placement = #om.placement<1 on 0 outputs [137438956032]>}
// CHECK:        om.model "update" dynamic ir_version
// CHECK:            ge.Variable "u_var" {placement = #om.placement<2 on 0 outputs [137438956032]>}

om.model "in_place" ir_version 2 platform "" attributes {soc_version = "Ascend910B3", stream_num = 1 : i64} {
  ge.graph "in_place" {
    %x = ge.Data "x" {index = 0 : i64} : tensor<128xf32>
    %a = ge.op "Relu" "a"(x = %x) : (tensor<128xf32>) -> tensor<128xf32>
    %b = ge.op "Exp" "b"(x = %a) : (tensor<128xf32>) -> tensor<128xf32>
    %c = ge.op "Add" "c"(x1 = %b, x2 = %b) : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xf32>
    ge.NetOutput "Node_Output"(input0 = %c) : (tensor<128xf32>)
  }
  om.kernel "a" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
  om.kernel "b" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
  om.kernel "c" : "AI_CPU" "RunCpuKernel" stream 0 block_dim 1 args []
}

// An elementwise result takes the place of an operand that nobody else reads: "b" that of "a".
// CHECK:      om.model "in_place" {{.*}}memory_size = 1536 : i64, zero_copy_memory_size = 1024 : i64
// CHECK:      "a"{{.*}}inputs [512] outputs [0]>
// CHECK-NEXT: "b"{{.*}}inputs [0] outputs [0]>
// CHECK-NEXT: "c"{{.*}}inputs [0, 0] outputs [1024]>
