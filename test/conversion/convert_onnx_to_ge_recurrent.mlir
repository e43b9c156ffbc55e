// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// A left-out output is there all the same, and what ATC drops is said where it is not as usual.
// CHECK: ge.graph "layers"
onnx.graph "layers" opset {ai.onnx = 17} (%x : tensor<5x3x4xf32> "x", %w : tensor<2x24x4xf32> "w", %r : tensor<2x24x6xf32> "r", %v : tensor<1x18x4xf32> "v", %u : tensor<1x18x6xf32> "u") {
  // CHECK: ge.op "CommonLSTM" "lstm"(x = %x, w = %w, r = %r) {hidden_size = 0 : i64, direction = "bidirectional"} : (tensor<5x3x4xf32>, tensor<2x24x4xf32>, tensor<2x24x6xf32>) -> tensor<5x2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>
  // CHECK: ge.op "CommonGRU" "gru"(x = %x, w = %v, r = %u) {hidden_size = 6 : i64, linear_before_reset = 1 : i64, direction = "forward", activations = ["Sigmoid", "Relu"], clip = 2.000000e+00 : f32, layout = 1 : i64} : {{.*}} -> tensor<5x3x1x6xf32>, tensor<5x1x6xf32>
  %n, %h = onnx.LSTM "lstm"(%x, %w, %r) {direction = "bidirectional", activations = ["Sigmoid", "Tanh", "Tanh", "Sigmoid", "Tanh", "Tanh"], hidden_size = 6 : i64} : (tensor<5x3x4xf32>, tensor<2x24x4xf32>, tensor<2x24x6xf32>) -> (none, tensor<2x3x6xf32>)
  %g = onnx.GRU "gru"(%x, %v, %u) {activations = ["Sigmoid", "Relu"], clip = 2.0 : f32, layout = 1 : i64, linear_before_reset = 1 : i64, hidden_size = 6 : i64} : (tensor<5x3x4xf32>, tensor<1x18x4xf32>, tensor<1x18x6xf32>) -> tensor<5x3x1x6xf32>
  onnx.output(%h "h" : tensor<2x3x6xf32>, %g "g" : tensor<5x3x1x6xf32>)
}
