// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "net" attributes {attr_model_out_nodes_name = ["prob:0:y", "PartitionedCall_Transpose_0_Transpose_6:0:t"]} {
onnx.graph "net" opset {ai.onnx = 17} (%x : tensor<2x3x8x8xf32> "x") {
  // CHECK-NEXT: %x = ge.Data "x" {index = 0 : i64, data_type = 0 : i64} : tensor<2x3x8x8xf32>
  // Initializers are numbered in alphabetical order.
  // CHECK-NEXT: %w = ge.Const "w_Initializer_2" #weights.file<"m.weights", 0 + 432> : tensor<4x3x3x3xf32>
  // CHECK-NEXT: %fc = ge.Const "fc_Initializer_1"
  // CHECK-NEXT: %b = ge.Const "b_Initializer_0"
  %w = onnx.initializer "w" #weights.file<"m.weights", 0 + 432> : tensor<4x3x3x3xf32>
  %fc = onnx.initializer "fc" #weights.file<"m.weights", 432 + 2560> : tensor<64x10xf32>
  %b = onnx.initializer "b" #weights.file<"m.weights", 2992 + 40> : tensor<10xf32>
  // A Constant keeps its name; one without is numbered among the nameless nodes.
  // CHECK-NEXT: %k = ge.Const "k" dense<0> : tensor<1xi64>
  %k = onnx.Constant "k" {value = dense<[0]> : tensor<1xi64>} : () -> tensor<1xi64>
  // Begin and end pads are interleaved by axis; strides and dilations get those of N and C.
  // CHECK-NEXT: %c = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 2, 2>, pads = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1, 1, 1>, groups = 1 : i64, data_format = "NCHW", auto_pad = "NOTSET", fixed_shift_value = 0 : i64}
  %c = onnx.Conv "conv"(%x, %w) {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>} : (tensor<2x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x4x4xf32>
  // CHECK-NEXT: %r = ge.op "Relu" "relu"(x = %c)
  %r = onnx.Relu "relu"(%c) : (tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>
  // CHECK-NEXT: %p = ge.op "MaxPoolV3" "pool"(x = %r) {ksize = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1, 1, 1>, padding_mode = "CALCULATED", pads = array<i64: 0, 0, 0, 0>, ceil_mode = false, data_format = "NCHW"}
  %p = onnx.MaxPool "pool"(%r) {kernel_shape = array<i64: 1, 1>} : (tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>
  // CHECK-NEXT: %f = ge.op "Flatten" "flat"(x = %p) {axis = 1 : i64}
  %f = onnx.Flatten "flat"(%p) : (tensor<2x4x4x4xf32>) -> tensor<2x64xf32>
  // One node becomes two: both are numbered, helpers of the expansion included.
  // CHECK-NEXT: ge.op "MatMulV2" "PartitionedCall_fc_MatMulV2_3"(x1 = %f, x2 = %fc) {transpose_x1 = false, transpose_x2 = false, fixed_shift_value = 42 : i64, enable_uncache = 0 : i64, _datadump_original_op_names = ["fc"]}
  // CHECK-NEXT: %g = ge.op "Add" "PartitionedCall_fc_add_4"(x1 = %{{.*}}, x2 = %b) {_datadump_original_op_names = ["fc"]}
  %g = onnx.Gemm "fc"(%f, %fc, %b) : (tensor<2x64xf32>, tensor<64x10xf32>, tensor<10xf32>) -> tensor<2x10xf32>
  // CHECK-NEXT: %y = ge.op "SoftmaxV2" "prob"(x = %g) {axes = array<i64: -1>}
  %y = onnx.Softmax "prob"(%g) : (tensor<2x10xf32>) -> tensor<2x10xf32>
  // CHECK-NEXT: [[PERM:%.+]] = ge.Const "PartitionedCall_Transpose_0_Const_7" dense<[1, 0]> : tensor<2xi32> {_datadump_original_op_names = ["Transpose_0"], _ascend_opt_atc_refuses = "E11010 ai.onnx::17::Transpose: it has no perm"}
  // CHECK-NEXT: %t = ge.op "Transpose" "PartitionedCall_Transpose_0_Transpose_6"(x = %g, perm = [[PERM]])
  %t = onnx.Transpose (%g) : (tensor<2x10xf32>) -> tensor<10x2xf32>
  // CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %y, input1 = %t) {_inner_net_output = true} : (tensor<2x10xf32>, tensor<10x2xf32>)
  onnx.output(%y "y" : tensor<2x10xf32>, %t "t" : tensor<10x2xf32>)
}

// The same operator in an older opset: axes are an attribute, Softmax takes all trailing axes.
// CHECK: ge.graph "old"
onnx.graph "old" opset {ai.onnx = 9} (%x : tensor<2x3x4xf32> "x") {
  // CHECK: %u = ge.op "Unsqueeze" "unsqueeze"(x = %x) {axes = array<i64: 0>}
  %u = onnx.Unsqueeze "unsqueeze"(%x) {axes = array<i64: 0>} : (tensor<2x3x4xf32>) -> tensor<1x2x3x4xf32>
  // CHECK-NEXT: %s = ge.op "SoftmaxV2" "softmax"(x = %u) {axes = array<i64: 1, 2, 3>, need_fusion = 1 : i64}
  %s = onnx.Softmax "softmax"(%u) : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  onnx.output(%s "s" : tensor<1x2x3x4xf32>)
}

// A dimension that is not known is not 1: broadcast with 1 it stays unknown.
// CHECK: ge.graph "chain"
onnx.graph "chain" opset {ai.onnx = 17} (%x : tensor<?x1xf32> "x", %y : tensor<1x4xf32> "y") {
  // CHECK: ge.op "Maximum" {{.*}} : (tensor<?x1xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  // CHECK: ge.op "Maximum" {{.*}} : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %m = onnx.Max "max"(%x, %y, %x) : (tensor<?x1xf32>, tensor<1x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  onnx.output(%m "m" : tensor<?x4xf32>)
}

// Two axes are the least that GraphEngine slides over; a window may hang over with ceil_mode.
// CHECK: ge.graph "lines"
onnx.graph "lines" opset {ai.onnx = 17} (%x : tensor<2x3x8xf32> "x", %w : tensor<4x3x3xf32> "w") {
  // CHECK: %[[X:.+]] = ge.op "Unsqueeze" "PartitionedCall_conv_UnsqueezeX_2"(x = %x) {axes = array<i64: 2>, {{.*}}} : (tensor<2x3x8xf32>) -> tensor<2x3x1x8xf32>
  // CHECK-NEXT: %[[W:.+]] = ge.op "Unsqueeze" "PartitionedCall_conv_UnsqueezeW_3"(x = %w) {axes = array<i64: 2>
  // CHECK-NEXT: %[[Y:.+]] = ge.op "Conv2D" "PartitionedCall_conv_Conv2D_4"(x = %[[X]], filter = %[[W]]) {strides = array<i64: 1, 1, 1, 2>, pads = array<i64: 0, 0, 1, 0>, dilations = array<i64: 1, 1, 1, 1>, {{.*}}} : (tensor<2x3x1x8xf32>, tensor<4x3x1x3xf32>) -> tensor<2x4x1x4xf32>
  // CHECK-NEXT: %c = ge.op "Squeeze" "PartitionedCall_conv_SqueezeY_5"(x = %[[Y]]) {axis = array<i64: 2>
  %c = onnx.Conv "conv"(%x, %w) {strides = array<i64: 2>, pads = array<i64: 1, 0>} : (tensor<2x3x8xf32>, tensor<4x3x3xf32>) -> tensor<2x4x4xf32>
  // CHECK-NEXT: ge.op "Unsqueeze" "PartitionedCall_pool_UnsqueezeX_7"(x = %c) {axes = array<i64: 3>
  // CHECK-NEXT: ge.op "AvgPoolV2" "PartitionedCall_pool_AvgPoolV2_8"({{.*}}) {ksize = array<i64: 1, 1, 5, 1>, strides = array<i64: 1, 1, 2, 1>
  // CHECK-NEXT: %p = ge.op "Squeeze" "PartitionedCall_pool_SqueezeAvgpoolv2_9"({{.*}}) {axis = array<i64: 3>
  %p = onnx.AveragePool "pool"(%c) {kernel_shape = array<i64: 5>, strides = array<i64: 2>, ceil_mode = 1 : i64} : (tensor<2x4x4xf32>) -> tensor<2x4x1xf32>
  onnx.output(%p "p" : tensor<2x4x1xf32>)
}

// CHECK: ge.graph "volume"
onnx.graph "volume" opset {ai.onnx = 17} (%x : tensor<1x2x4x4x4xf32> "x", %w : tensor<2x2x3x1x1xf32> "w") {
  // CHECK: ge.op "Conv3D" "conv"({{.*}}) {strides = array<i64: 1, 1, 1, 1, 1>, pads = array<i64: 1, 1, 0, 0, 0, 0>, {{.*}}data_format = "NCDHW"
  %c = onnx.Conv "conv"(%x, %w) {pads = array<i64: 1, 0, 0, 1, 0, 0>} : (tensor<1x2x4x4x4xf32>, tensor<2x2x3x1x1xf32>) -> tensor<1x2x4x4x4xf32>
  // CHECK-NEXT: ge.op "MaxPool3D" "pool"({{.*}}) {ksize = array<i64: 1, 1, 2, 2, 2>, {{.*}}padding = "CALCULATED", dilation = array<i64: 1, 1, 1, 1, 1>
  %p = onnx.MaxPool "pool"(%c) {kernel_shape = array<i64: 2, 2, 2>, strides = array<i64: 2, 2, 2>} : (tensor<1x2x4x4x4xf32>) -> tensor<1x2x2x2x2xf32>
  onnx.output(%p "p" : tensor<1x2x2x2x2xf32>)
}
