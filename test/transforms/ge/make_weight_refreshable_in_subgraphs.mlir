// RUN: ascend-opt %s -p 'ge-make-weight-refreshable{consts="w","inner"}' | filecheck %s

// A variable stands in the graph that its constant was in; control edges move with the node, and
// the copy that initialises it waits for nothing.
ge.graph "net" {
  %c = ge.Data "c" {index = 0 : i64} : tensor<1xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
  %i = ge.op "If" "branch"(cond = %c, input0 = %w) after ["w"] : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ge.graph "then" {
      %d = ge.Data "d" {_parent_node_index = 1 : i64} : tensor<4xf32>
      %v = ge.Const "inner" #weights.file<"m.weights", 16 + 16> after ["d"] {note = "kept"} : tensor<4xf32>
      %a = ge.op "Add" "a"(x1 = %d, x2 = %v) after ["inner"] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      ge.NetOutput "o"(input0 = %a) : (tensor<4xf32>)
    }
  } {
    ge.graph "else" {
      %d = ge.Data "e" {_parent_node_index = 1 : i64} : tensor<4xf32>
      ge.NetOutput "p"(input0 = %d) : (tensor<4xf32>)
    }
  }
  ge.NetOutput "Node_Output"(input0 = %i) : (tensor<4xf32>)
}

// CHECK:      ge.graph "var_infer_graph"
// CHECK-NEXT:   ge.Data "c"
// CHECK-NEXT:   [[W:%.+]] = ge.Variable "w_var" : tensor<4xf32>
// CHECK-NEXT:   ge.op "If" "branch"(cond = %c, input0 = [[W]]) after ["w_var"]
// CHECK-NEXT:     ge.graph "then" {
// CHECK-NEXT:       ge.Data "d"
// CHECK-NEXT:       [[V:%.+]] = ge.Variable "inner_var" after ["d"] : tensor<4xf32>
// CHECK-NEXT:       ge.op "Add" "a"(x1 = %d, x2 = [[V]]) after ["inner_var"]
// CHECK:          ge.graph "else" {
// CHECK-NOT:        ge.Variable
// CHECK:      ge.graph "var_init_graph" {
// CHECK-NEXT:   ge.Variable "w_var" : tensor<4xf32>
// CHECK-NEXT:   ge.Const "w" #weights.file<"m.weights", 0 + 16> : tensor<4xf32>
// CHECK-NEXT:   ge.op "Assign" "w_assign"
// CHECK-NEXT:   ge.Variable "inner_var" : tensor<4xf32>
// CHECK-NEXT:   ge.Const "inner" #weights.file<"m.weights", 16 + 16> {note = "kept"} : tensor<4xf32>
// CHECK-NEXT:   ge.op "Assign" "inner_assign"
// CHECK-NEXT: }
// CHECK:      ge.graph "var_update_graph" {
// CHECK-NEXT:   ge.Data "w_var_data" {index = 0 : i64}
// CHECK:        ge.Data "inner_var_data" {index = 1 : i64}
