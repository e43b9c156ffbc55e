// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "regions"
// CHECK: ge.op "Unsqueeze" "PartitionedCall_align_unsqueeze_5"(x = %{{.+}}) {axes = array<i64: -1>
// CHECK: ge.op "Cast" "PartitionedCall_align_cast_7"(x = %{{.+}}) {dst_type = 0 : i64
// CHECK: ge.op "Cast" "PartitionedCall_align_cast1_4"(x = %{{.+}}) {dst_type = 0 : i64
// CHECK: ge.Const "PartitionedCall_align_concat_dim_8" #weights.splat<1 : i32, 1>
// CHECK: ge.op "Concat" "PartitionedCall_align_concat_6"(concat_dim = %{{.+}}, x0 = %{{.+}}, x1 = %{{.+}}) {N = 2 : i64
// CHECK: ge.op "ROIAlign" "PartitionedCall_align_roialign_3"(features = %{{.+}}, rois = %{{.+}}) {spatial_scale = 1.000000e+00 : f32, pooled_height = 3 : i64, pooled_width = 2 : i64, sample_num = 0 : i64, roi_end_mode = 2 : i64
onnx.graph "regions" opset {ai.onnx = 16} (%x : tensor<2x4x7x9xf32> "x", %r : tensor<?x4xf32> "r", %i : tensor<?xi64> "i") {
  %a = onnx.RoiAlign "align"(%x, %r, %i) {output_height = 3 : i64, output_width = 2 : i64} : (tensor<2x4x7x9xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4x3x2xf32>
  onnx.output(%a "a" : tensor<?x4x3x2xf32>)
}
// CHECK: ge.graph "unpool"
// CHECK: ge.op "Identity" "PartitionedCall_un_identity1_2"(x = %{{.+}})
// CHECK: ge.Const "PartitionedCall_un_const_data4_7" dense<-1>
// CHECK: ge.op "Shape" "PartitionedCall_un_shape1_4"(x = %{{.+}}) {dtype = 3 : i64
// CHECK: ge.Const "PartitionedCall_un_const1_13" dense<[0, 0, 1, 1]>
// CHECK: ge.op "Sub" "PartitionedCall_un_sub1_8"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.Const "PartitionedCall_un_const2_20" dense<[1, 1, 2, 3]>
// CHECK: ge.op "Mul" "PartitionedCall_un_mul1_12"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.Const "PartitionedCall_un_const3_21" dense<[0, 0, -2, -1]>
// CHECK: ge.op "Sub" "PartitionedCall_un_sub2_19"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_un_identity2_17"(x = %{{.+}})
// CHECK: ge.op "Reshape" "PartitionedCall_un_reshape1_5"(x = %{{.+}}, shape = %{{.+}}) {axis = 0 : i64, num_axes = -1 : i64
// CHECK: ge.op "Reshape" "PartitionedCall_un_reshape2_3"(x = %{{.+}}, shape = %{{.+}}) {axis = 0 : i64, num_axes = -1 : i64
// CHECK: ge.Const "PartitionedCall_un_const_data6_15" dense<0>
// CHECK: ge.Const "PartitionedCall_un_const_data7_16" dense<1>
// CHECK: ge.op "StridedSlice" "PartitionedCall_un_StridedSlice1_9"(x = %{{.+}}, begin = %{{.+}}, end = %{{.+}}, strides = %{{.+}}) {begin_mask = 0 : i64, end_mask = 0 : i64, ellipsis_mask = 0 : i64, new_axis_mask = 0 : i64, shrink_axis_mask = 0 : i64
// CHECK: ge.op "ZerosLike" "PartitionedCall_un_zeroslike1_14"(x = %{{.+}})
// CHECK: ge.op "BroadcastTo" "PartitionedCall_un_BroadcastTo1_18"(x = %{{.+}}, shape = %{{.+}})
// CHECK: ge.op "Reshape" "PartitionedCall_un_reshape3_11"(x = %{{.+}}, shape = %{{.+}}) {axis = 0 : i64, num_axes = -1 : i64
// CHECK: ge.op "ScatterElements" "PartitionedCall_un_ScatterElements1_6"(data = %{{.+}}, indices = %{{.+}}, updates = %{{.+}}) {axis = 0 : i64
// CHECK: ge.op "Reshape" "PartitionedCall_un_reshape4_10"(x = %{{.+}}, shape = %{{.+}}) {axis = 0 : i64, num_axes = -1 : i64
onnx.graph "unpool" opset {ai.onnx = 11} (%x : tensor<2x4x3x4xf32> "x", %i : tensor<2x4x3x4xi64> "i") {
  %a = onnx.MaxUnpool "un"(%x, %i) {kernel_shape = array<i64: 2, 3>, strides = array<i64: 2, 3>, pads = array<i64: 0, 1, 0, 1>} : (tensor<2x4x3x4xf32>, tensor<2x4x3x4xi64>) -> tensor<2x4x6x10xf32>
  onnx.output(%a "a" : tensor<2x4x6x10xf32>)
}
// CHECK: ge.graph "columns"
// CHECK: ge.op "Cast" "PartitionedCall_col_cast_4"(x = %{{.+}}) {dst_type = 3 : i64
// CHECK: ge.op "Col2ImV2" "PartitionedCall_col_Col2ImV2_3"(x = %{{.+}}, output_size = %{{.+}}, kernel_size = %{{.+}}) {dilation = array<i64: 1, 1>, padding = array<i64: 1, 0>, stride = array<i64: 1, 1>
onnx.graph "columns" opset {ai.onnx = 18} (%x : tensor<2x18x20xf32> "x", %n : tensor<2xi64> "n", %k : tensor<2xi64> "k") {
  %a = onnx.Col2Im "col"(%x, %n, %k) {pads = array<i64: 1, 0, 1, 0>} : (tensor<2x18x20xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x?x?x?xf32>
  onnx.output(%a "a" : tensor<2x?x?x?xf32>)
}
