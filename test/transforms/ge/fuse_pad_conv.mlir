// RUN: ascend-opt %s -p ge-fuse-pad-conv | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 432> : tensor<4x3x3x3xf32>
  // ONNX's order: all widths before the image, then all behind it.
  %p = ge.Const "p" dense<[0, 0, 1, 2, 0, 0, 3, 4]> : tensor<8xi64>
  %a = ge.op "PadV3" "pad"(x = %x, paddings = %p) {mode = "constant", paddings_contiguous = false} : (tensor<1x3x8x8xf32>, tensor<8xi64>) -> tensor<1x3x12x14xf32>
  %c = ge.op "Conv2D" "conv"(x = %a, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 1, 1, 1, 1>, data_format = "NCHW"} : (tensor<1x3x12x14xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x12x14xf32>
  // Another number than zero is not what a convolution pads with.
  %q = ge.Const "q" dense<[0, 0, 0, 0, 1, 1, 1, 1]> : tensor<8xi32>
  %v = ge.Const "v" #weights.splat<1.0 : f32, 1> : tensor<f32>
  %b = ge.op "PadV3" "ones"(x = %x, paddings = %q, constant_values = %v) : (tensor<1x3x8x8xf32>, tensor<8xi32>, tensor<f32>) -> tensor<1x3x10x10xf32>
  %d = ge.op "Conv2D" "other"(x = %b, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x10x10xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
  // Nor are there more channels.
  %z = ge.Data "z" {index = 1 : i64} : tensor<1x2x8x8xf32>
  %r = ge.Const "r" dense<[0, 0, 0, 1, 0, 0, 0, 0]> : tensor<8xi32>
  %e = ge.op "Pad" "channel"(x = %z, paddings = %r) : (tensor<1x2x8x8xf32>, tensor<8xi32>) -> tensor<1x3x8x8xf32>
  %f = ge.op "Conv2D" "last"(x = %e, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  // ONNX's own Pad.
  %g = ge.op "OnnxPad" "own"(data = %x, pads = %p) {mode = "constant"} : (tensor<1x3x8x8xf32>, tensor<8xi64>) -> tensor<?x?x?x?xf32>
  %h = ge.op "Conv2D" "known"(x = %g, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 1, 1, 1, 1>, data_format = "NCHW"} : (tensor<?x?x?x?xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x12x14xf32>
  ge.NetOutput "Node_Output"(input0 = %c, input1 = %d, input2 = %f, input3 = %h) : (tensor<1x4x12x14xf32>, tensor<1x4x8x8xf32>, tensor<1x4x6x6xf32>, tensor<1x4x12x14xf32>)
}

// CHECK-NOT:  "pad"(
// CHECK:      ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 2, 4, 3, 5>, data_format = "NCHW", _datadump_original_op_names = ["pad", "conv"]}
// CHECK:      ge.op "PadV3" "ones"
// CHECK-NEXT: ge.op "Conv2D" "other"(x = %b, filter = %w)
// CHECK:      ge.op "Pad" "channel"
// CHECK-NEXT: ge.op "Conv2D" "last"(x = %e, filter = %w)
// CHECK-NEXT: ge.op "Conv2D" "known"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 2, 4, 3, 5>
