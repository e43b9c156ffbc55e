// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// Shape has attributes of ours where the model wants a part of it.
// CHECK: ge.graph "shape"
onnx.graph "shape" opset {ai.onnx = 17} (%x : tensor<2x3x4xf32> "x") {
  // CHECK: ge.op "Shape" "whole"(x = %x) {dtype = 9 : i64} :
  %a = onnx.Shape "whole"(%x) : (tensor<2x3x4xf32>) -> tensor<3xi64>
  // CHECK-NEXT: ge.op "Shape" "from"(x = %x) {dtype = 9 : i64, start = 1 : i64} :
  %b = onnx.Shape "from"(%x) {start = 1 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64>
  // CHECK-NEXT: ge.op "Shape" "to"(x = %x) {dtype = 9 : i64, end = -1 : i64} :
  %c = onnx.Shape "to"(%x) {end = -1 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64>
  onnx.output(%a "a" : tensor<3xi64>, %b "b" : tensor<2xi64>, %c "c" : tensor<2xi64>)
}
// Parts of tensors: places are attributes in older opsets, inputs in newer ones.
// CHECK: ge.graph "parts"
onnx.graph "parts" opset {ai.onnx = 9} (%x : tensor<4x6xf32> "x") {
  // CHECK: ge.Const "PartitionedCall_begin_3" dense<1>
  // CHECK: ge.Const "PartitionedCall_end_4" dense<3>
  // CHECK: ge.Const "PartitionedCall_axes_2" dense<0>
  // CHECK: ge.op "StridedSliceV2" "PartitionedCall_slice_StridedSliceV2_1"(x = %x, begin = %{{.*}}, end = %{{.*}}, axes = %{{.*}})
  // CHECK: ge.Const "PartitionedCall_pad_data1_8" dense<[1, 2, 0, 1]>
  // CHECK: ge.Const "PartitionedCall_pad_data2_7" #weights.splat<0.000000e+00 : f32, 1>
  // CHECK: ge.op "PadV3" "PartitionedCall_pad_PadV3_6"(x = %x, paddings = %{{.*}}, constant_values = %{{.*}}) {mode = "constant"
  // CHECK: ge.Const "PartitionedCall_mirror_data1_11" dense<[1, 2, 0, 1]>
  // CHECK: ge.op "MirrorPad" "PartitionedCall_mirror_MirrorPad_10"(x = %x, paddings = %{{.*}}) {mode = "REFLECT"
  // CHECK: ge.Const "PartitionedCall_sizes_size_splits_14" dense<[1, 3]>
  // CHECK: ge.Const "PartitionedCall_sizes_split_dim_15" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "SplitV" "PartitionedCall_sizes_SplitV_13"(x = %x, size_splits = %{{.*}}, split_dim = %{{.*}}) {num_split = 2 : i64
  // CHECK: ge.Const "PartitionedCall_halves_split_dim_18" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "Split" "PartitionedCall_halves_Split_17"(split_dim = %{{.*}}, x = %x) {num_split = 2 : i64
  %s = onnx.Slice "slice"(%x) {starts = array<i64: 1>, ends = array<i64: 3>} : (tensor<4x6xf32>) -> tensor<2x6xf32>
  %p = onnx.Pad "pad"(%x) {pads = array<i64: 1, 0, 2, 1>} : (tensor<4x6xf32>) -> tensor<7x7xf32>
  %m = onnx.Pad "mirror"(%x) {pads = array<i64: 1, 0, 2, 1>, mode = "reflect"} : (tensor<4x6xf32>) -> tensor<7x7xf32>
  %a, %b = onnx.Split "sizes"(%x) {split = array<i64: 1, 3>} : (tensor<4x6xf32>) -> (tensor<1x6xf32>, tensor<3x6xf32>)
  %c, %d = onnx.Split "halves"(%x) {axis = 1 : i64} : (tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  onnx.output(%s "s" : tensor<2x6xf32>, %p "p" : tensor<7x7xf32>, %m "m" : tensor<7x7xf32>, %a "a" : tensor<1x6xf32>, %b "b" : tensor<3x6xf32>, %c "c" : tensor<4x3xf32>, %d "d" : tensor<4x3xf32>)
}

// CHECK: ge.graph "inputs"
onnx.graph "inputs" opset {ai.onnx = 18} (%x : tensor<5xf32> "x", %s : tensor<2xi64> "s") {
  // CHECK: ge.Const "PartitionedCall_sizes_split_dim_3" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "SplitV" "PartitionedCall_sizes_SplitV_2"(x = %x, size_splits = %s, split_dim = %{{.*}}) {num_split = 2 : i64
  // CHECK: ge.Const "PartitionedCall_count_size_splits_6" dense<[3, 2]>
  // CHECK: ge.Const "PartitionedCall_count_split_dim_7" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "SplitV" "PartitionedCall_count_SplitV_5"(x = %x, size_splits = %{{.*}}, split_dim = %{{.*}}) {num_split = 2 : i64
  // CHECK: ge.op "StridedSliceV2" "slice"(x = %x, begin = %z, end = %z, axes = %z)
  // CHECK: ge.op "PadV3" "pad"(x = %x, paddings = %s) {mode = "edge", paddings_contiguous = false, axes = array<i64: 0>
  %a, %b = onnx.Split "sizes"(%x, %s) : (tensor<5xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  %c, %d = onnx.Split "count"(%x) {num_outputs = 2 : i64} : (tensor<5xf32>) -> (tensor<3xf32>, tensor<2xf32>)
  %z = onnx.initializer "z" dense<[0]> : tensor<1xi64>
  %t = onnx.Slice "slice"(%x, %z, %z, %z) : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  %n = onnx.none : none
  %p = onnx.Pad "pad"(%x, %s, %n, %z) {mode = "edge"} : (tensor<5xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<?xf32>
  onnx.output(%a "a" : tensor<?xf32>, %b "b" : tensor<?xf32>, %c "c" : tensor<3xf32>, %d "d" : tensor<2xf32>, %t "t" : tensor<?xf32>, %p "p" : tensor<?xf32>)
}

// Nothing here needs to know a rank.
// CHECK: ge.graph "unranked"
onnx.graph "unranked" opset {ai.onnx = 12} (%x : tensor<4x6xf32> "x", %s : tensor<?xi64> "s") {
  // CHECK: %r = ge.op "Reshape"
  %r = onnx.Reshape "reshape"(%x, %s) : (tensor<4x6xf32>, tensor<?xi64>) -> tensor<*xf32>
  // CHECK-NEXT: ge.op "ConcatD" "concat"(x0 = %r, x1 = %r) {concat_dim = 0 : i64, N = 2 : i64} : {{.*}} -> tensor<*xf32>
  %c = onnx.Concat "concat"(%r, %r) {axis = 0 : i64} : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  // CHECK-NEXT: ge.op "Squeeze" "squeeze"(x = %c) {axis = array<i64>} : (tensor<*xf32>) -> tensor<*xf32>
  %q = onnx.Squeeze "squeeze"(%c) : (tensor<*xf32>) -> tensor<*xf32>
  // CHECK-NEXT: ge.op "Dropout" "drop"(x = %q) : (tensor<*xf32>) -> tensor<*xf32>
  %d = onnx.Dropout "drop"(%q) : (tensor<*xf32>) -> tensor<*xf32>
  // CHECK: ge.op "ArgMaxV2" {{.*}} -> tensor<*xi64>
  // CHECK: ge.op "ExpandDims" {{.*}} -> tensor<*xi64>
  %m = onnx.ArgMax "max"(%d) : (tensor<*xf32>) -> tensor<*xi64>
  onnx.output(%m "m" : tensor<*xi64>)
}
