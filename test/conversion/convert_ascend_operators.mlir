// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// Ascend's own operators: inputs by position, attributes in GraphEngine's kinds.
// CHECK: ge.graph "npu"
onnx.graph "npu" opset {ai.onnx = 17, npu = 1} (%x : tensor<2x8xf32> "x", %g : tensor<8xf32> "g", %b : tensor<6x4xf32> "b") {
  // CHECK: ge.op "RmsNorm" "norm"(x = %x, gamma = %g) {epsilon = {{.*}} : f32} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  %n = onnx.custom "npu" "NPURmsNorm" "norm"(%x, %g) {epsilon = 1.0e-05 : f32} : (tensor<2x8xf32>, tensor<8xf32>) -> !onnx.unknown
  // CHECK-NEXT: ge.op "GeluV2" "gelu"(x = %n) {approximate = "tanh"} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = onnx.custom "npu" "NPUGeluV2" "gelu"(%n) {approximate = "tanh"} : (!onnx.unknown) -> tensor<2x8xf32>
  // CHECK-NEXT: ge.op "Iou" "iou"(bboxes = %b, gtboxes = %b) {aligned = true, eps = 1.000000e+00 : f32}
  %i = onnx.custom "ai.onnx" "NPUIou" "iou"(%b, %b) {aligned = 1 : i64, eps = 1 : i64} : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x1xf32>
  onnx.output(%y "y" : tensor<2x8xf32>, %i "i" : tensor<6x1xf32>)
}
