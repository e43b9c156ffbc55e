// RUN: ascend-opt %s --split-input-file -p convert-onnx-to-ge | filecheck %s

// A node that ATC would refuse says why, and every GraphEngine node it becomes says so too.

// CHECK-LABEL: ge.graph "opset_19"
// CHECK: ge.op "Relu" "relu"
// CHECK-SAME: _ascend_opt_atc_refuses = "E13010 ai.onnx::19::Relu: ATC's plugin is for opset 8-18"
onnx.graph "opset_19" opset {ai.onnx = 19} (%x : tensor<4xf32> "x") {
  %y = onnx.Relu "relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK-LABEL: ge.graph "opset_18"
// CHECK: ge.op "Relu" "relu"
// CHECK-NOT: _ascend_opt_atc_refuses
onnx.graph "opset_18" opset {ai.onnx = 18} (%x : tensor<4xf32> "x") {
  %y = onnx.Relu "relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK-LABEL: ge.graph "no_perm"
// CHECK: _Const_
// CHECK-SAME: _ascend_opt_atc_refuses = "E11010 ai.onnx::13::Transpose: it has no perm"
// CHECK: _Transpose_
// CHECK-SAME: _ascend_opt_atc_refuses = "E11010 ai.onnx::13::Transpose: it has no perm"
onnx.graph "no_perm" opset {ai.onnx = 13} (%x : tensor<4x2xf32> "x") {
  %y = onnx.Transpose "turn"(%x) : (tensor<4x2xf32>) -> tensor<2x4xf32>
  onnx.output(%y "y" : tensor<2x4xf32>)
}
