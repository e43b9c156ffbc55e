// RUN: ascend-opt %s | ascend-opt | filecheck %s

// Written in hexadecimal: xDSL's own spelling of infinities and NaN reads back as other numbers.
// CHECK: onnx.graph "g"
onnx.graph "g" opset {ai.onnx = 17} () {
  // CHECK-NEXT: %m = onnx.initializer "mask" dense<"0x000080FF0000C07F"> : tensor<2xf32>
  %m = onnx.initializer "mask" dense<"0x000080FF0000C07F"> : tensor<2xf32>
  // CHECK-NEXT: %k = onnx.Constant() {value = #onnx.tensor<dense<"0x000080FF0000C07F"> : tensor<2xf32>>} : () -> tensor<2xf32>
  %k = onnx.Constant() {value = #onnx.tensor<dense<"0x000080FF0000C07F"> : tensor<2xf32>>} : () -> tensor<2xf32>
  onnx.output(%m "y" : tensor<2xf32>)
}
