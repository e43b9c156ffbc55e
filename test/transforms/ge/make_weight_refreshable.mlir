// RUN: ascend-opt %s -p 'ge-make-weight-refreshable{consts="w","bias"}' | filecheck %s
// RUN: ascend-opt %s -p 'ge-make-weight-refreshable{consts="bias" init=false}' | filecheck %s --check-prefix=NOINIT
// RUN: ascend-opt %s -p 'ge-make-weight-refreshable{consts="k*" above=16}' | filecheck %s --check-prefix=CHOSEN

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x4xf32>
  %w = ge.Const "w_Initializer_1" #weights.file<"m.weights", 0 + 64> : tensor<4x4xf32>
  %b = ge.Const "bias" #weights.file<"m.weights", 64 + 16> : tensor<4xf32>
  %k = ge.Const "kept" #weights.file<"m.weights", 80 + 16> : tensor<4xf32>
  %p = ge.op "MatMulV2" "product"(x1 = %x, x2 = %w, bias = %b) : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %a = ge.op "Add" "sum"(x1 = %p, x2 = %k) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %c = ge.op "Add" "again"(x1 = %a, x2 = %b) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  ge.NetOutput "Node_Output"(input0 = %c) : (tensor<2x4xf32>)
}

// CHECK:      ge.bundle {
// CHECK-NEXT:   ge.graph "var_infer_graph" attributes {refreshable = [#ge.refreshable<"w", "w_Initializer_1", #weights.file<"m.weights", 0 + 64> as tensor<4x4xf32>>, #ge.refreshable<"bias", "bias", #weights.file<"m.weights", 64 + 16> as tensor<4xf32>>]} {
// CHECK-NEXT:     %x = ge.Data "x" {index = 0 : i64} : tensor<2x4xf32>
// CHECK-NEXT:     %w = ge.Variable "w_Initializer_1_var" : tensor<4x4xf32>
// CHECK-NEXT:     %b = ge.Variable "bias_var" : tensor<4xf32>
// CHECK-NEXT:     %k = ge.Const "kept"
// CHECK-NEXT:     "product"(x1 = %x, x2 = %w, bias = %b)
// CHECK-NEXT:     "sum"
// CHECK-NEXT:     "again"(x1 = %a, x2 = %b)
// CHECK-NEXT:     ge.NetOutput
// CHECK:        ge.graph "var_init_graph" {
// CHECK-NEXT:     [[W:%.+]] = ge.Variable "w_Initializer_1_var" : tensor<4x4xf32>
// CHECK-NEXT:     [[V:%.+]] = ge.Const "w_Initializer_1" #weights.file<"m.weights", 0 + 64> : tensor<4x4xf32>
// CHECK-NEXT:     ge.op "Assign" "w_Initializer_1_assign"(ref = [[W]], value = [[V]]) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT:     ge.Variable "bias_var" : tensor<4xf32>
// CHECK-NEXT:     ge.Const "bias"
// CHECK-NEXT:     ge.op "Assign" "bias_assign"
// CHECK-NEXT:   }
// CHECK-NEXT:   ge.graph "var_update_graph" {
// CHECK-NEXT:     [[D:%.+]] = ge.Data "w_Initializer_1_var_data" {index = 0 : i64} : tensor<*xf32>
// CHECK-NEXT:     ge.op "If" "w_Initializer_1_var_if"(cond = [[D]], input0 = [[D]]) : (tensor<*xf32>, tensor<*xf32>) {
// CHECK-NEXT:       ge.graph "w_Initializer_1_var_then_graph" {
// CHECK-NEXT:         [[T:%.+]] = ge.Variable "w_Initializer_1_var" : tensor<4x4xf32>
// CHECK-NEXT:         [[N:%.+]] = ge.Data "w_Initializer_1_var_then_data" {_parent_node_index = 1 : i64} : tensor<4x4xf32>
// CHECK-NEXT:         ge.op "Assign" "w_Initializer_1_var_then_assign"(ref = [[T]], value = [[N]])
// CHECK-NEXT:       }
// CHECK-NEXT:     } {
// CHECK-NEXT:       ge.graph "w_Initializer_1_var_else_graph" {
// CHECK-NEXT:         ge.Data "w_Initializer_1_var_else_data" {_parent_node_index = 1 : i64} : tensor<4x4xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:     [[E:%.+]] = ge.Data "bias_var_data" {index = 1 : i64} : tensor<*xf32>
// CHECK-NEXT:     ge.op "If" "bias_var_if"(cond = [[E]], input0 = [[E]]) : (tensor<*xf32>, tensor<*xf32>) {
// CHECK-NEXT:       ge.graph "bias_var_then_graph" {
// CHECK-NEXT:         ge.Variable "bias_var" : tensor<4xf32>
// CHECK-NEXT:         ge.Data "bias_var_then_data" {_parent_node_index = 1 : i64} : tensor<4xf32>
// CHECK-NEXT:         ge.op "Assign" "bias_var_then_assign"
// CHECK-NEXT:       }
// CHECK-NEXT:     } {
// CHECK-NEXT:       ge.graph "bias_var_else_graph" {
// CHECK-NEXT:         ge.Data "bias_var_else_data" {_parent_node_index = 1 : i64} : tensor<4xf32>
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// NOINIT:     ge.graph "var_infer_graph"
// NOINIT-NOT: ge.graph "var_init_graph"
// NOINIT:     ge.graph "var_update_graph"

// What a pattern means comes first, then what is larger: 64 bytes are more than 16.
// CHOSEN:      ge.graph "var_update_graph" {
// CHOSEN-NEXT:   ge.Data "kept_var_data" {index = 0 : i64}
// CHOSEN:        ge.Data "w_Initializer_1_var_data" {index = 1 : i64}
// CHOSEN-NOT:    _var_data" {index
