// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "resize"
// CHECK: ge.op "Identity" "PartitionedCall_near_x_2"(x = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_near_scales_10"(x = %{{.+}}) {_keep_dtype = 1 : i64
// CHECK: ge.op "Shape" "PartitionedCall_near_Shape_7"(x = %{{.+}})
// CHECK: ge.op "Cast" "PartitionedCall_near_Cast0_9"(x = %{{.+}}) {dst_type = 0 : i64, _keep_dtype = 1 : i64
// CHECK: ge.op "Mul" "PartitionedCall_near_Mul_8"(x1 = %{{.+}}, x2 = %{{.+}}) {_keep_dtype = 1 : i64
// CHECK: ge.op "Cast" "PartitionedCall_near_Cast1_4"(x = %{{.+}}) {dst_type = 3 : i64, _keep_dtype = 1 : i64
// CHECK: ge.Const "PartitionedCall_near_data_offsets_5" #weights.splat<2 : i32, 1>
// CHECK: ge.Const "PartitionedCall_near_data_size_6" #weights.splat<2 : i32, 1>
// CHECK: ge.op "Slice" "PartitionedCall_near_Slice_1"(x = %{{.+}}, offsets = %{{.+}}, size = %{{.+}})
// CHECK: ge.op "ResizeNearestNeighborV2" "PartitionedCall_near_ResizeNearestNeighborV2_3"(x = %{{.+}}, size = %{{.+}}) {align_corners = false, half_pixel_centers = false
// CHECK: ge.op "Identity" "PartitionedCall_line_x_16"(x = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_line_sizes_18"(x = %{{.+}}) {_keep_dtype = 1 : i64
// CHECK: ge.op "Cast" "PartitionedCall_line_Cast0_13"(x = %{{.+}}) {dst_type = 3 : i64, _keep_dtype = 1 : i64
// CHECK: ge.Const "PartitionedCall_line_roi_14" dense<>
// CHECK: ge.Const "PartitionedCall_line_scales_15" dense<>
// CHECK: ge.op "Resize" "PartitionedCall_line_Resize_17"(x = %{{.+}}, roi = %{{.+}}, scales = %{{.+}}, sizes = %{{.+}}) {coordinate_transformation_mode = "half_pixel", mode = "linear", resize_original_type = "onnx_resize"
// CHECK: ge.op "ResizeNearestNeighborV2" "PartitionedCall_corner_ResizeNearestNeighborV2_23"(x = %{{.+}}, size = %{{.+}}) {align_corners = false, half_pixel_centers = true, nearest_mode = "round_prefer_floor"
// CHECK: ge.op "Identity" "PartitionedCall_sized_x_34"(x = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_sized_sizes_39"(x = %{{.+}}) {_keep_dtype = 1 : i64
// CHECK: ge.op "Cast" "PartitionedCall_sized_Cast0_36"(x = %{{.+}}) {dst_type = 3 : i64, _keep_dtype = 1 : i64
// CHECK: ge.Const "PartitionedCall_sized_data_offsets_37" #weights.splat<2 : i32, 1>
// CHECK: ge.Const "PartitionedCall_sized_data_size_38" #weights.splat<2 : i32, 1>
// CHECK: ge.op "Slice" "PartitionedCall_sized_Slice_33"(x = %{{.+}}, offsets = %{{.+}}, size = %{{.+}})
// CHECK: ge.op "ResizeNearestNeighborV2" "PartitionedCall_sized_ResizeNearestNeighborV2_35"(x = %{{.+}}, size = %{{.+}}) {align_corners = false, half_pixel_centers = true, nearest_mode = "round_prefer_floor"
onnx.graph "resize" opset {ai.onnx = 13} (%x : tensor<2x4x7x9xf32> "x", %n : tensor<4xi64> "n") {
  %s = onnx.Constant "s" {value = dense<[1.0, 1.0, 2.0, 3.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %none = onnx.none : none
  %a = onnx.Resize "near"(%x, %none, %s) {coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"} : (tensor<2x4x7x9xf32>, none, tensor<4xf32>) -> tensor<2x4x14x27xf32>
  %b = onnx.Resize "line"(%x, %none, %none, %n) {mode = "linear"} : (tensor<2x4x7x9xf32>, none, none, tensor<4xi64>) -> tensor<2x4x?x?xf32>
  %c = onnx.Resize "corner"(%x, %none, %s) : (tensor<2x4x7x9xf32>, none, tensor<4xf32>) -> tensor<2x4x14x27xf32>
  %d = onnx.Resize "sized"(%x, %none, %none, %n) : (tensor<2x4x7x9xf32>, none, none, tensor<4xi64>) -> tensor<2x4x?x?xf32>
  onnx.output(%a "a" : tensor<2x4x14x27xf32>, %b "b" : tensor<2x4x?x?xf32>, %c "c" : tensor<2x4x14x27xf32>, %d "d" : tensor<2x4x?x?xf32>)
}
// CHECK: ge.graph "ten"
// CHECK: ge.op "Identity" "PartitionedCall_ten_Identity_3"(x = %{{.+}})
// CHECK: ge.op "Shape" "PartitionedCall_ten_Shape_9"(x = %{{.+}})
// CHECK: ge.op "Cast" "PartitionedCall_ten_Cast0_10"(x = %{{.+}}) {dst_type = 0 : i64, _keep_dtype = 1 : i64
// CHECK: ge.op "Mul" "PartitionedCall_ten_Mul_4"(x1 = %{{.+}}, x2 = %{{.+}}) {_keep_dtype = 1 : i64
// CHECK: ge.op "Cast" "PartitionedCall_ten_Cast1_6"(x = %{{.+}}) {dst_type = 3 : i64, _keep_dtype = 1 : i64
// CHECK: ge.Const "PartitionedCall_ten_data_offsets_7" #weights.splat<2 : i32, 1>
// CHECK: ge.Const "PartitionedCall_ten_data_size_8" #weights.splat<2 : i32, 1>
// CHECK: ge.op "Slice" "PartitionedCall_ten_Slice_2"(x = %{{.+}}, offsets = %{{.+}}, size = %{{.+}})
// CHECK: ge.op "ResizeNearestNeighborV2" "PartitionedCall_ten_ResizeNearestNeighborV2_5"(x = %{{.+}}, size = %{{.+}}) {align_corners = false, half_pixel_centers = false
onnx.graph "ten" opset {ai.onnx = 10} (%x : tensor<2x4x7x9xf32> "x") {
  %s = onnx.Constant "s" {value = dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>} : () -> tensor<4xf32>
  %a = onnx.Resize "ten"(%x, %s) : (tensor<2x4x7x9xf32>, tensor<4xf32>) -> tensor<2x4x14x18xf32>
  onnx.output(%a "a" : tensor<2x4x14x18xf32>)
}
// CHECK: ge.graph "nine"
// CHECK: ge.Const "PartitionedCall_up_const_data_1" dense<0.000000e+00>
// CHECK: ge.op "Resize" "PartitionedCall_up_resize_3"(x = %{{.+}}, roi = %{{.+}}, scales = %{{.+}}) {mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"
onnx.graph "nine" opset {ai.onnx = 9} (%x : tensor<2x4x7x9xf32> "x", %s : tensor<4xf32> "s") {
  %a = onnx.Upsample "up"(%x, %s) : (tensor<2x4x7x9xf32>, tensor<4xf32>) -> tensor<2x4x?x?xf32>
  onnx.output(%a "a" : tensor<2x4x?x?xf32>)
}
