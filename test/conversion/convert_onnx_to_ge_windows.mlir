// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "windows"
onnx.graph "windows" opset {ai.onnx = 19} (%x : tensor<2x4x9xf32> "x", %v : tensor<2x4x5x7x9xf32> "v", %i : tensor<2x4x7x9xf32> "i") {
  // CHECK: ge.Const "w_Initializer_1"
  %w = onnx.initializer "w" #weights.file<"m.weights", 0 + 96> : tensor<4x2x3xf32>
  %b = onnx.initializer "b" #weights.file<"m.weights", 96 + 16> : tensor<4xf32>
  // One axis becomes two: a convolution's new one comes first, a pool's last.
  // CHECK: [[X:%.+]] = ge.op "Unsqueeze" "PartitionedCall_line_UnsqueezeX_{{[0-9]+}}"(x = %x) {axes = array<i64: 2>, _datadump_original_op_names = ["line"]{{.*}} : (tensor<2x4x9xf32>) -> tensor<2x4x1x9xf32>
  // CHECK-NEXT: [[W:%.+]] = ge.op "Unsqueeze" "PartitionedCall_line_UnsqueezeW_{{[0-9]+}}"(x = %w) {axes = array<i64: 2>
  // CHECK-NEXT: [[Y:%.+]] = ge.op "Conv2D" "PartitionedCall_line_Conv2D_{{[0-9]+}}"(x = [[X]], filter = [[W]], bias = %b) {strides = array<i64: 1, 1, 1, 2>, pads = array<i64: 0, 0, 1, 2>, dilations = array<i64: 1, 1, 1, 2>, groups = 2 : i64, data_format = "NCHW", auto_pad = "NOTSET", fixed_shift_value = 0 : i64
  // CHECK-NEXT: ge.op "Squeeze" "PartitionedCall_line_SqueezeY_{{[0-9]+}}"(x = [[Y]]) {axis = array<i64: 2>
  %c = onnx.Conv "line"(%x, %w, %b) {group = 2 : i64, strides = array<i64: 2>, dilations = array<i64: 2>, pads = array<i64: 1, 2>} : (tensor<2x4x9xf32>, tensor<4x2x3xf32>, tensor<4xf32>) -> tensor<2x4x4xf32>
  // CHECK: [[X:%.+]] = ge.op "Unsqueeze" "PartitionedCall_max_UnsqueezeX_{{[0-9]+}}"(x = %x) {axes = array<i64: 3>
  // CHECK-NEXT: [[Y:%.+]] = ge.op "MaxPoolV3" "PartitionedCall_max_MaxPoolV3_{{[0-9]+}}"(x = [[X]]) {ksize = array<i64: 1, 1, 3, 1>, strides = array<i64: 1, 1, 2, 1>, padding_mode = "CALCULATED", pads = array<i64: 1, 0, 0, 0>, ceil_mode = false, data_format = "NCHW"
  // CHECK-NEXT: ge.op "Squeeze" "PartitionedCall_max_SqueezeMaxpoolv3_{{[0-9]+}}"(x = [[Y]]) {axis = array<i64: 3>
  %m = onnx.MaxPool "max"(%x) {kernel_shape = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 0>} : (tensor<2x4x9xf32>) -> tensor<2x4x4xf32>
  // Three axes are one node with another name.
  // CHECK: ge.op "MaxPool3D" "max3"(x = %v) {ksize = array<i64: 1, 1, 2, 2, 2>, strides = array<i64: 1, 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>, ceil_mode = 0 : i64, data_format = "NCDHW", padding = "VALID", dilation = array<i64: 1, 1, 1, 2, 1>
  %m3 = onnx.MaxPool "max3"(%v) {kernel_shape = array<i64: 2, 2, 2>, dilations = array<i64: 1, 2, 1>, auto_pad = "VALID"} : (tensor<2x4x5x7x9xf32>) -> tensor<2x4x4x5x8xf32>
  // CHECK: ge.op "AvgPool3D" "avg3"(x = %v) {{.*}} count_include_pad = true
  %a3 = onnx.AveragePool "avg3"(%v) {kernel_shape = array<i64: 2, 2, 2>, count_include_pad = 1 : i64} : (tensor<2x4x5x7x9xf32>) -> tensor<2x4x4x6x8xf32>
  // CHECK: ge.op "AvgPoolV2" "avg"(x = %i) {ksize = array<i64: 1, 1, 3, 2>, {{.*}} data_format = "NCHW", dilations = array<i64: 1, 1, 2, 1>, exclusive = true
  %a = onnx.AveragePool "avg"(%i) {kernel_shape = array<i64: 3, 2>, dilations = array<i64: 2, 1>} : (tensor<2x4x7x9xf32>) -> tensor<2x4x3x8xf32>
  // CHECK: [[AXES:%.+]] = ge.Const "PartitionedCall_top_Const_0_{{[0-9]+}}" dense<[-1, 2]> : tensor<2xi32>
  // CHECK-NEXT: ge.op "ReduceMax" "PartitionedCall_top_RedeceMax_{{[0-9]+}}"(x = %i, axes = [[AXES]]) {keep_dims = true
  %g = onnx.GlobalMaxPool "top"(%i) : (tensor<2x4x7x9xf32>) -> tensor<2x4x1x1xf32>
  onnx.output(%c "c" : tensor<2x4x4xf32>, %m "m" : tensor<2x4x4xf32>, %m3 "m3" : tensor<2x4x4x5x8xf32>, %a3 "a3" : tensor<2x4x4x6x8xf32>, %a "a" : tensor<2x4x3x8xf32>, %g "g" : tensor<2x4x1x1xf32>)
}

// CHECK: ge.graph "norms"
onnx.graph "norms" opset {ai.onnx = 18} (%x : tensor<2x4x?xf32> "x") {
  // CHECK: ge.op "Abs" "PartitionedCall_lp_Abs_1"(x = %x)
  // CHECK-NEXT: ge.op "Power" "PartitionedCall_lp_Power_0_2"{{.*}} {power = 3.{{0+}}e+00 : f32, scale = 1.{{0+}}e+00 : f32, shift = 0.{{0+}}e+00 : f32
  // CHECK-NEXT: ge.op "Unsqueeze" "PartitionedCall_lp_UnsqueezeX_3"
  // CHECK-NEXT: ge.op "AvgPoolV2" "PartitionedCall_lp_AvgPoolV2_4"{{.*}} exclusive = false
  // CHECK-NEXT: ge.op "Squeeze" "PartitionedCall_lp_SqueezeAvgpoolv2_5"
  // CHECK-NEXT: ge.op "Muls" "PartitionedCall_lp_Muls_6"{{.*}} {value = 2.{{0+}}e+00 : f32
  // CHECK-NEXT: ge.op "Power" "PartitionedCall_lp_Power_1_7"{{.*}} {power = 0.333
  %y = onnx.LpPool "lp"(%x) {kernel_shape = array<i64: 2>, p = 3 : i64} : (tensor<2x4x?xf32>) -> tensor<2x4x?xf32>
  onnx.output(%y "y" : tensor<2x4x?xf32>)
}

// CHECK: ge.graph "transposed"
onnx.graph "transposed" opset {ai.onnx = 17} (%x : tensor<2x4x7x9xf32> "x", %w : tensor<4x3x3x2xf32> "w") {
  // The size of the input it is the gradient of: not known, so zeros.
  // CHECK: [[SIZE:%.+]] = ge.Const "PartitionedCall_up_Const_3" dense<0> : tensor<4xi64>
  // CHECK-NEXT: ge.op "Conv2DTranspose" "PartitionedCall_up_Conv2DTranspose_2"(input_size = [[SIZE]], x = %x, filter = %w) {strides = array<i64: 1, 1, 2, 1>, pads = array<i64: 1, 1, 0, 1>, dilations = array<i64: 1, 1, 1, 1>, groups = 1 : i64, data_format = "NCHW", output_padding = array<i64: 0, 0, 1, 0>, auto_pad = "NOTSET", fixed_shift_value = 0 : i64
  %y = onnx.ConvTranspose "up"(%x, %w) {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 1>, output_padding = array<i64: 1, 0>} : (tensor<2x4x7x9xf32>, tensor<4x3x3x2xf32>) -> tensor<2x3x14x9xf32>
  onnx.output(%y "y" : tensor<2x3x14x9xf32>)
}
