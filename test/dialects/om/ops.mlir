// RUN: ascend-opt %s | ascend-opt | filecheck %s
// RUN: ascend-opt %s --print-op-generic | ascend-opt | filecheck %s

// CHECK: om.bundle var_size 1536 {
om.bundle var_size 1536 {
  // CHECK-NEXT: om.model "infer" ir_version 2 platform "1.0" attributes {memory_size = 1024 : i64, soc_version = "Ascend910B4"} {
  om.model "infer" ir_version 2 platform "1.0" attributes {memory_size = 1024 : i64, soc_version = "Ascend910B4"} {
    ge.graph "infer" {
      // CHECK: %x = ge.Data "x" {index = 0 : i64, placement = #om.placement<0 on 0 outputs [0]>} : tensor<4xf32>
      %x = ge.Data "x" {index = 0 : i64, placement = #om.placement<0 on 0 outputs [0]>} : tensor<4xf32>
      // CHECK: placement = #om.placement<1 on 0 inputs [0] outputs [512] workspaces [1024] workspace_bytes [64]>
      %y = ge.op "Relu" "r"(x = %x) {placement = #om.placement<1 on 0 inputs [0] outputs [512] workspaces [1024] workspace_bytes [64]>} : (tensor<4xf32>) -> tensor<4xf32>
      ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xf32>)
    }
    // CHECK: om.kernel "r" : "TE" "te_relu_0__kernel0" stream 0 block_dim 1 args [2147483648, 2147484160]
    om.kernel "r" : "TE" "te_relu_0__kernel0" stream 0 block_dim 1 args [2147483648, 2147484160]
    // CHECK-NEXT: om.event_record 0 stream 0
    om.event_record 0 stream 0
    // CHECK-NEXT: om.event_wait 0 stream 1
    om.event_wait 0 stream 1
    // CHECK-NEXT: om.raw_task 13 stream 0 "0a00"
    om.raw_task 13 stream 0 "0a00"
    // CHECK-NEXT: om.binary "te_relu_0__kernel0" #weights.file<"x.om", 4096 + 120>
    om.binary "te_relu_0__kernel0" #weights.file<"x.om", 4096 + 120>
  }
  // CHECK: om.model "update" dynamic ir_version 0 platform "" omits ["TILING_DATA"] {
  om.model "update" dynamic ir_version 0 platform "" omits ["TILING_DATA"] {
    ge.graph "update" {
    }
  }
}
