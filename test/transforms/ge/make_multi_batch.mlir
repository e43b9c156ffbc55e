// RUN: ascend-opt %s -p 'ge-make-multi-batch{kind=image gears="4,6","2,4" order="a" outputs="0,0,1,4,6","1,0,1,2,4"}' | filecheck %s

// CHECK: ge.graph "g"
// CHECK-NEXT: %a = ge.Data "a" {index = 0 : i64} : tensor<1x?x?xf32>
// The selector is the last input, and has the gears that GraphEngine's Case would have.
// CHECK-NEXT: ge.Data "ascend_mbatch_shape_data" {index = 1 : i64, data_type = 3 : i64, _is_multi_batch_shape_data = true, mbatch_dynamic_type = 2 : i64, user_designate_shape_order = ["a"], _batch_num = 2 : i64, _pred_value_0 = array<i64: 4, 6>, _pred_value_1 = array<i64: 2, 4>} : tensor<2xi32>
// CHECK-NEXT: ge.op "Relu"
// CHECK-NEXT: ge.NetOutput "out"(input0 = %y) {_dynamic_output_dims = ["0,0,1,4,6", "1,0,1,2,4"]}
ge.graph "g" {
  %a = ge.Data "a" {index = 0 : i64} : tensor<1x?x?xf32>
  %y = ge.op "Relu" "r"(x = %a) : (tensor<1x?x?xf32>) -> tensor<1x?x?xf32>
  ge.NetOutput "out"(input0 = %y) : (tensor<1x?x?xf32>)
}
