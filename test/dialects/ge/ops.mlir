// RUN: ascend-opt %s | ascend-opt | filecheck %s
// RUN: ascend-opt %s --print-op-generic | ascend-opt | filecheck %s

// CHECK: ge.graph "net" attributes {_session_graph_id = "0_1", refreshable = [#ge.refreshable<"scale", "scale", dense<"0x0000807F"> : tensor<1xf32> as tensor<1xf32>>]} {
ge.graph "net" attributes {_session_graph_id = "0_1", refreshable = [#ge.refreshable<"scale", "scale", dense<"0x0000807F"> : tensor<1xf32> as tensor<1xf32>>]} {
  // CHECK-NEXT: %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  // CHECK-NEXT: %w = ge.Const "conv.weight" #weights.file<"m.weights", 64 + 864> : tensor<8x3x3x3xf32>
  %w = ge.Const "conv.weight" #weights.file<"m.weights", 64 + 864> : tensor<8x3x3x3xf32>
  // CHECK-NEXT: %b = ge.FileConstant "conv.bias_5e" #weights.file<"m.weights", 0 + 32> {location = "weight_5e", offset = 0 : i64, length = 32 : i64} : tensor<8xf32>
  %b = ge.FileConstant "conv.bias_5e" #weights.file<"m.weights", 0 + 32> {location = "weight_5e", offset = 0 : i64, length = 32 : i64} : tensor<8xf32>
  // CHECK-NEXT: %v = ge.Variable "scale_var" : tensor<1x8x1x1xf32>
  %v = ge.Variable "scale_var" : tensor<1x8x1x1xf32>
  // CHECK-NEXT: %s = ge.Const "shape" dense<[1, 512]> : tensor<2xi64>
  %s = ge.Const "shape" dense<[1, 512]> : tensor<2xi64>
  // CHECK-NEXT: %c = ge.op "Conv2D" "layer/conv"(x = %x, filter = %w, bias = %b) after ["scale_var"] {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  %c = ge.op "Conv2D" "layer/conv"(x = %x, filter = %w, bias = %b) after ["scale_var"] {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>) -> tensor<1x8x8x8xf32>
  %m = ge.op "Mul" "scaled"(x1 = %c, x2 = %v) : (tensor<1x8x8x8xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x8x8xf32>
  %r = ge.op "Reshape" "flat"(x = %m, shape = %s) : (tensor<1x8x8x8xf32>, tensor<2xi64>) -> tensor<1x512xf32>
  // A gap in the optional inputs is a port that is not named.
  // CHECK: ge.op "MatMulV2" "product"(x1 = %r, x2 = %r) {transpose_x2 = true}
  %p = ge.op "MatMulV2" "product"(x1 = %r, x2 = %r) {transpose_x2 = true} : (tensor<1x512xf32>, tensor<1x512xf32>) -> tensor<1x1xf32>
  // CHECK: ge.NetOutput "Node_Output"(input0 = %p) : (tensor<1x1xf32>)
  ge.NetOutput "Node_Output"(input0 = %p) : (tensor<1x1xf32>)
}

// CHECK: ge.bundle {
// CHECK-NEXT:   ge.graph "update" {
ge.bundle {
  ge.graph "update" {
    // CHECK-NEXT: %d = ge.Data "w_var_data" {index = 0 : i64} : tensor<*xf32>
    %d = ge.Data "w_var_data" {index = 0 : i64} : tensor<*xf32>
    // CHECK-NEXT: ge.op "If" "w_var_if"(cond = %d, input0 = %d) : (tensor<*xf32>, tensor<*xf32>) {
    // CHECK-NEXT:   ge.graph "then" {
    ge.op "If" "w_var_if"(cond = %d, input0 = %d) : (tensor<*xf32>, tensor<*xf32>) {
      ge.graph "then" {
        %t = ge.Data "then_data" {_parent_node_index = 1 : i64} : tensor<4xf32>
      }
    // CHECK:      } {
    // CHECK-NEXT:   ge.graph "else" {
    } {
      ge.graph "else" {
      }
    }
  }
  ge.graph "other" {
    // An operator type that the catalogue does not have passes unchecked.
    // CHECK: %o = ge.op "Frobnicate" "f" {when = f16, names = ["a", "b"]} : tensor<2x!ge.dtype<"STRING">>
    %o = ge.op "Frobnicate" "f" {when = f16, names = ["a", "b"]} : tensor<2x!ge.dtype<"STRING">>
  }
}

// A fused node keeps the graph it was; nobody calls that, and it has inputs of its own.

// CHECK: ge.graph "fused" {
ge.graph "fused" {
  %x = ge.Data "x" : tensor<4xf16>
  // CHECK: %y = ge.fused "Abs" "absneg"(x = %x) : (tensor<4xf16>) -> tensor<4xf16> {
  // CHECK-NEXT: ge.graph "absneg" {
  %y = ge.fused "Abs" "absneg"(x = %x) : (tensor<4xf16>) -> tensor<4xf16> {
    ge.graph "absneg" {
      %a = ge.Data "absneg/input0" {index = 0 : i64} : tensor<4xf16>
      // CHECK: ge.op "Abs" "abs"
      %b = ge.op "Abs" "abs"(x = %a) : (tensor<4xf16>) -> tensor<4xf16>
      %c = ge.op "Neg" "neg"(x = %b) : (tensor<4xf16>) -> tensor<4xf16>
      ge.NetOutput "absneg/NetOutput"(input0 = %c) : (tensor<4xf16>)
    }
  }
}
