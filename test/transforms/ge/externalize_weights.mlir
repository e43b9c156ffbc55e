// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=1}' | filecheck %s
// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=2}' | filecheck %s --check-prefix=COMBINED
// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=2 model="a/b"}' | filecheck %s --check-prefix=NAMED
// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=0}' | filecheck %s --check-prefix=KEPT

ge.graph "net" {
  // float32 [1, 2, 3, 4]: a digest with bytes below 0x10, which lose their leading zero.
  %a = ge.Const "a" dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  // The same bytes under another shape share the file.
  %b = ge.Const "b" dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = ge.Const "scalar" dense<1> : tensor<i64>
  %e = ge.Const "empty" dense<> : tensor<0xf32>
  %y = ge.op "Add" "sum"(x1 = %a, x2 = %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %b, input2 = %s, input3 = %e) : (tensor<4xf32>, tensor<2x2xf32>, tensor<i64>, tensor<0xf32>)
}

// CHECK: %a = ge.FileConstant "a_ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1" dense
// CHECK-SAME: _value_sha256 = "ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1"
// CHECK-SAME: location = "weight_ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1", offset = 0 : i64, length = 16 : i64, dtype = f32, shape = array<i64: 4>, original_shape = array<i64: 4>
// CHECK-NEXT: %b = ge.FileConstant "b_ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1"
// CHECK-SAME: location = "weight_ad73b9acd6e4a74b2f5bb5386658ce3bb146cd4a1867646ab3b973fb6632b1"
// CHECK-NEXT: %s = ge.FileConstant "scalar_7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"
// CHECK-SAME: length = 8 : i64, dtype = i64, shape = array<i64>, original_shape = array<i64>
// CHECK-NEXT: %e = ge.Const "empty"
// CHECK-NEXT: ge.op "Add" "sum"(x1 = %a, x2 = %a)

// COMBINED: ge.FileConstant "a_{{.*}}location = "net_weight_combined", offset = 0 : i64, length = 16 : i64
// COMBINED: ge.FileConstant "b_{{.*}}location = "net_weight_combined", offset = 0 : i64, length = 16 : i64
// COMBINED: ge.FileConstant "scalar_{{.*}}location = "net_weight_combined", offset = 512 : i64, length = 8 : i64

// NAMED-COUNT-3: location = "a_b_weight_combined"

// KEPT-NOT: ge.FileConstant
