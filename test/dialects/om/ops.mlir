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
  // CHECK: om.model "update" dynamic ir_version 0 platform "" omits ["a second graph 'x'"] {
  om.model "update" dynamic ir_version 0 platform "" omits ["a second graph 'x'"] {
    ge.graph "update" {
    }
  }
}

// CHECK: om.model "foreign" ir_version 1 platform "" partitions ["MODEL_DEF", "TILING_DATA"] graph_order ["a", "foreign"] header {name = "0xff", ops = 3 : i64} fields #om.fields<["attr/om_info_list"], ""> task_fields #om.fields<["version"], "version: '1'"> {
om.model "foreign" ir_version 1 platform "" partitions ["MODEL_DEF", "TILING_DATA"] graph_order ["a", "foreign"] header {name = "0xff", ops = 3 : i64} fields #om.fields<["attr/om_info_list"], ""> task_fields #om.fields<["version"], "version: '1'"> {
  // CHECK-NEXT: ge.graph "foreign" attributes {om.order = array<i64: 0>} {
  ge.graph "foreign" attributes {om.order = array<i64: 0>} {
    // CHECK-NEXT: om.fields = #om.fields<["input_desc/0", "is_input_const"], "input_desc { size: 4 }">
    %w = ge.Const "w" #weights.file<"x.om", 512 + 4> {placement = #om.placement<0 on 0>, om.data_offset = 0 : i64, om.fields = #om.fields<["input_desc/0", "is_input_const"], "input_desc { size: 4 }">} : tensor<1xf32>
  }
  // CHECK: om.partition "TILING_DATA" #weights.file<"x.om", 4096 + 120>
  om.partition "TILING_DATA" #weights.file<"x.om", 4096 + 120>
  // CHECK-NEXT: om.model "sub_1" ir_version 1 platform "" {
  om.model "sub_1" ir_version 1 platform "" {
    ge.graph "sub_1" {
    }
  }
}

// CHECK: om.bundle var_size 0 no_var_entry header {headsize = 256 : i64} {
om.bundle var_size 0 no_var_entry header {headsize = 256 : i64} {
  om.model "only" ir_version 2 platform "" {
    ge.graph "only" {
    }
  }
}
