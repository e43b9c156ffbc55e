// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// Loop outputs are those of the While behind iteration, trip count and condition; scan outputs are
// joined from a sequence.
// CHECK: ge.graph "g" attributes {attr_model_out_nodes_name = ["rounds:3:y", "rounds/joined_4:0:all"]} {
onnx.graph "g" opset {ai.onnx = 16} (%n : tensor<i64> "n", %b : tensor<i1> "b", %x : tensor<2xf32> "x") {
  %two = onnx.Constant() {value = dense<2.000000e+00> : tensor<2xf32>} : () -> tensor<2xf32>
  // What branches capture follows the condition, by name; they have it as Data.
  // CHECK: %h = ge.op "If" "If_1"(cond = %b, input0 = %two, input1 = %x)
  // CHECK-NEXT: ge.graph "If_1_0_then_branch" {
  // CHECK-NEXT: ge.Data "If_1_0_then_branch/input_1" {index = 1 : i64, _parent_node_index = 1 : i64} : tensor<2xf32>
  // CHECK-NEXT: ge.Data "If_1_0_then_branch/input_2" {index = 2 : i64, _parent_node_index = 2 : i64} : tensor<2xf32>
  // Nameless nodes of branches are numbered after those around them.
  // CHECK-NEXT: ge.op "Mul" "If_1_0_then_branch/Mul_2"
  // CHECK-NEXT: ge.NetOutput "If_1_0_then_branch/Node_Output"
  // CHECK: ge.graph "If_1_1_else_branch" {
  // CHECK: ge.op "Neg" "If_1_1_else_branch/Neg_3"
  %h = onnx.If(%b) : (tensor<i1>) -> tensor<2xf32> with then_branch {
    onnx.graph "t" () {
      %p = onnx.Mul(%x, %two) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      onnx.output(%p "p" : tensor<2xf32>)
    }
  }, else_branch {
    onnx.graph "e" () {
      %q = onnx.Neg(%x) : (tensor<2xf32>) -> tensor<2xf32>
      onnx.output(%q "q" : tensor<2xf32>)
    }
  }
  // CHECK: ge.Const "rounds/condition" #weights.splat<true, 1> : tensor<i1>
  // CHECK-NEXT: ge.Const "rounds/iteration" #weights.splat<0 : i64, 1> : tensor<i64>
  // CHECK-NEXT: ge.op "SequenceEmpty" "rounds/collected_2"
  // CHECK-NEXT: ge.op "While" "rounds"(input0 = %{{.*}}, input1 = %n, input2 = %{{.*}}, input3 = %h, input4 = %{{.*}}, input5 = %x)
  // CHECK: ge.op "Less" "rounds_0_cond/below"
  // CHECK-NEXT: ge.op "LogicalAnd" "rounds_0_cond/both"
  // CHECK: ge.graph "rounds_1_body" {
  // CHECK: ge.op "Add" "rounds_1_body/Add_5"
  // CHECK: ge.op "SequenceInsert" "rounds_1_body/collected_9"
  // CHECK: ge.op "Add" "rounds_1_body/next_iteration"
  // CHECK: ge.op "ConcatFromSequence" "rounds/joined_4"(handle = %{{.*}}) {axis = 0 : i64, new_axis = 1 : i64}
  %0 = onnx.none : none
  %y, %all = onnx.Loop "rounds"(%n, %0, %h) : (tensor<i64>, none, tensor<2xf32>) -> (tensor<2xf32>, tensor<?x2xf32>) with body {
    onnx.graph "b" (%i : tensor<i64> "i", %c : tensor<i1> "c", %v : tensor<2xf32> "v") {
      %d = onnx.Identity(%c) : (tensor<i1>) -> tensor<i1>
      %w = onnx.Add(%v, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %s = onnx.Mul(%w, %w) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      onnx.output(%d "d" : tensor<i1>, %w "w" : tensor<2xf32>, %s "s" : tensor<2xf32>)
    }
  }
  onnx.output(%y "y" : tensor<2xf32>, %all "all" : tensor<?x2xf32>)
}
