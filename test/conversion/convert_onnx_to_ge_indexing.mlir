// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "indexing"
onnx.graph "indexing" opset {ai.onnx = 18} (%x : tensor<4x6xf32> "x", %i : tensor<5x1xi64> "i", %u : tensor<5x6xf32> "u") {
  // CHECK: ge.op "GatherNd" "nd"(x = %x, indices = %i) {batch_dims = 0 : i64
  // CHECK: ge.op "TensorMove" "PartitionedCall_scatter_TensorMove_3"(x = %x)
  // CHECK: ge.op "ScatterNdAdd" "PartitionedCall_scatter_ScatterNdAdd_4"(var = %{{.*}}, indices = %i, updates = %u)
  // CHECK: ge.Const "PartitionedCall_max_const_data_8" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "ArgMaxV2" "PartitionedCall_max_ArgMaxV2_6"(x = %x, dimension = %{{.*}}) {dtype = i64
  // CHECK: ge.Const "PartitionedCall_max_data1_9" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "ExpandDims" "PartitionedCall_max_ExpandDims_7"(x = %{{.*}}, axis = %{{.*}})
  // CHECK: ge.Const "PartitionedCall_min_const_data_12" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "ArgMin" "PartitionedCall_min_ArgMin_11"(x = %x, dimension = %{{.*}}) {dtype = i32, select_last_index = 1 : i64
  // CHECK: ge.op "Flatten" "PartitionedCall_flat_compress_flatten_15"(x = %x) {axis = 0 : i64
  // CHECK: ge.op "Squeeze" "PartitionedCall_flat_squeeze_17"(x = %{{.*}}) {axis = array<i64: 0>
  // CHECK: ge.op "Where" "PartitionedCall_flat_compress_condition_16"(x = %c)
  // CHECK: ge.op "Squeeze" "PartitionedCall_flat_squeeze_where_18"(x = %{{.*}}) {axis = array<i64: 1>
  // CHECK: ge.Const "PartitionedCall_flat_axis_data_20" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "GatherV2" "PartitionedCall_flat_compress_19"(x = %{{.*}}, indices = %{{.*}}, axis = %{{.*}})
  // CHECK: ge.op "Where" "PartitionedCall_rows_compress_condition_24"(x = %c)
  // CHECK: ge.op "Squeeze" "PartitionedCall_rows_squeeze_where_26"(x = %{{.*}}) {axis = array<i64: 1>
  // CHECK: ge.Const "PartitionedCall_rows_axis_data_25" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "GatherV2" "PartitionedCall_rows_compress_23"(x = %x, indices = %{{.*}}, axis = %{{.*}})
  // CHECK: ge.Const "PartitionedCall_hot_split_dim_40" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "Split" "PartitionedCall_hot_Split_36"(split_dim = %{{.*}}, x = %v) {num_split = 2 : i64
  // CHECK: ge.op "Identity" "PartitionedCall_hot_identity_1_34"(x = %i)
  // CHECK: ge.op "Identity" "PartitionedCall_hot_identity_2_35"(x = %d)
  // CHECK: ge.op "Add" "PartitionedCall_hot_Add_37"(x1 = %{{.*}}, x2 = %{{.*}})
  // CHECK: ge.op "Mod" "PartitionedCall_hot_Mod_38"(x1 = %{{.*}}, x2 = %{{.*}}) {one_hot_indices = true
  // CHECK: ge.op "OneHot" "PartitionedCall_hot_OneHot_39"(x = %{{.*}}, depth = %{{.*}}, on_value = %{{.*}}, off_value = %{{.*}}) {axis = -1 : i64
  // CHECK: ge.op "UniqueWithCountsAndSorting" "PartitionedCall_unique_UniqueWithCountsAndSorting_28"(x = %x) {sorted = true, return_inverse = true, return_counts = true
  %g = onnx.GatherND "nd"(%x, %i) : (tensor<4x6xf32>, tensor<5x1xi64>) -> tensor<5x6xf32>
  %s = onnx.ScatterND "scatter"(%x, %i, %u) {reduction = "add"} : (tensor<4x6xf32>, tensor<5x1xi64>, tensor<5x6xf32>) -> tensor<4x6xf32>
  %m = onnx.ArgMax "max"(%x) {axis = 1 : i64} : (tensor<4x6xf32>) -> tensor<4x1xi64>
  %n = onnx.ArgMin "min"(%x) {axis = 1 : i64, keepdims = 0 : i64, select_last_index = 1 : i64} : (tensor<4x6xf32>) -> tensor<4xi64>
  %c = onnx.initializer "c" dense<[true, false, true]> : tensor<3xi1>
  %f = onnx.Compress "flat"(%x, %c) : (tensor<4x6xf32>, tensor<3xi1>) -> tensor<?xf32>
  %r = onnx.Compress "rows"(%x, %c) {axis = 0 : i64} : (tensor<4x6xf32>, tensor<3xi1>) -> tensor<?x6xf32>
  %d = onnx.initializer "d" dense<3> : tensor<i64>
  %v = onnx.initializer "v" dense<[0.0, 1.0]> : tensor<2xf32>
  %h = onnx.OneHot "hot"(%i, %d, %v) : (tensor<5x1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<5x1x3xf32>
  %y, %w = onnx.Unique "unique"(%x) : (tensor<4x6xf32>) -> (tensor<?xf32>, tensor<?xi64>)
  onnx.output(%g "g" : tensor<5x6xf32>, %s "s" : tensor<4x6xf32>, %m "m" : tensor<4x1xi64>, %n "n" : tensor<4xi64>, %f "f" : tensor<?xf32>, %r "r" : tensor<?x6xf32>, %h "h" : tensor<5x1x3xf32>, %y "y" : tensor<?xf32>)
}

// CHECK: ge.graph "old"
onnx.graph "old" opset {ai.onnx = 9} (%x : tensor<4x6xf32> "x") {
  // CHECK: ge.Const "PartitionedCall_top_data1_2" #weights.splat<2 : i32, 1>
  // CHECK: ge.op "TopK" "PartitionedCall_top_TopK_1"(x = %x, k = %{{.*}}) {dim = -1 : i64
  %a, %b = onnx.TopK "top"(%x) {k = 2 : i64} : (tensor<4x6xf32>) -> (tensor<4x2xf32>, tensor<4x2xi64>)
  onnx.output(%a "a" : tensor<4x2xf32>, %b "b" : tensor<4x2xi64>)
}

// CHECK: ge.graph "boxes"
onnx.graph "boxes" opset {ai.onnx = 11} (%x : tensor<1x6x4xf32> "x", %s : tensor<1x2x6xf32> "s", %k : tensor<i64> "k") {
  // CHECK: ge.op "NonMaxSuppressionV6" "PartitionedCall_nms_NonMaxSuppressionV6_3"(boxes = %x, scores = %s, max_output_size = %k) {center_point_box = 1 : i64
  // CHECK: ge.op "Cast" "PartitionedCall_nms_Cast_4"(x = %{{.*}}) {dst_type = 9 : i64
  %a = onnx.NonMaxSuppression "nms"(%x, %s, %k) {center_point_box = 1 : i64} : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<i64>) -> tensor<?x3xi64>
  onnx.output(%a "a" : tensor<?x3xi64>)
}

