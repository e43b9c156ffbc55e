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
