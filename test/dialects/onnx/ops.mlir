// RUN: ascend-opt %s | filecheck %s
// RUN: ascend-opt %s --print-op-generic | ascend-opt | filecheck %s
// RUN: ascend-opt %s | ascend-opt | filecheck %s

// CHECK-LABEL: onnx.graph "main" opset {ai.onnx = 17, ai.onnx.ml = 3, com.acme = 1}
// CHECK-SAME:    (%x : tensor<?x3x8x?xf32> "x" ["batch", ""], %c : tensor<i1> "c") {
onnx.graph "main" opset {ai.onnx = 17, ai.onnx.ml = 3, com.acme = 1} (%x : tensor<?x3x8x?xf32> "x" ["batch", ""], %c : tensor<i1> "c") {
  // CHECK-NEXT: %w = onnx.initializer "conv.weight" #weights.file<"m.onnx", 96 + 324> : tensor<3x3x3x3xf32>
  %w = onnx.initializer "conv.weight" #weights.file<"m.onnx", 96 + 324> : tensor<3x3x3x3xf32>
  // CHECK-NEXT: %a = onnx.initializer "axes" dense<[1, 2]> : tensor<2xi64>
  %a = onnx.initializer "axes" dense<[1, 2]> : tensor<2xi64>
  // CHECK-NEXT: %s = onnx.initializer "labels" ["cat", "dog"] : tensor<2x!onnx.string>
  %s = onnx.initializer "labels" ["cat", "dog"] : tensor<2x!onnx.string>
  // CHECK-NEXT: %p = onnx.initializer "sparse" #onnx.sparse<dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>, dense<[0, 3]> : tensor<2xi64>, array<i64: 4>> : tensor<4xf32>
  %p = onnx.initializer "sparse" #onnx.sparse<dense<[1.0, 2.0]> : tensor<2xf32>, dense<[0, 3]> : tensor<2xi64>, array<i64: 4>> : tensor<4xf32>
  // CHECK-NEXT: %k = onnx.Constant "k"() {value = #onnx.tensor<#weights.file<"m.onnx", 512 + 2048> : tensor<512xf32>>} : () -> tensor<512xf32>
  %k = onnx.Constant "k"() {value = #onnx.tensor<#weights.file<"m.onnx", 512 + 2048> : tensor<512xf32>>} : () -> tensor<512xf32>
  // CHECK-NEXT: %none = onnx.none : none
  %none = onnx.none : none
  // CHECK-NEXT: %y = onnx.Conv "conv/1"(%x, %w) {kernel_shape = array<i64: 3, 3>} : (tensor<?x3x8x?xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x6x?xf32>
  %y = onnx.Conv "conv/1"(%x, %w) {kernel_shape = array<i64: 3, 3>} : (tensor<?x3x8x?xf32>, tensor<3x3x3x3xf32>) -> tensor<?x3x6x?xf32>
  // CHECK-NEXT: %clipped = onnx.Clip(%y, %none, %y) : (tensor<?x3x6x?xf32>, none, tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
  %clipped = onnx.Clip(%y, %none, %y) : (tensor<?x3x6x?xf32>, none, tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
  // CHECK-NEXT: %n = onnx.ml.Normalizer(%clipped) {norm = "L2"} : (tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
  %n = onnx.ml.Normalizer(%clipped) {norm = "L2"} : (tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
  // CHECK-NEXT: %r = onnx.If "if"(%c) : (tensor<i1>) -> tensor<?x3x6x?xf32> with then_branch {
  // CHECK-NEXT:   onnx.graph "then" () {
  // CHECK-NEXT:     %relu = onnx.Relu(%n) : (tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
  // CHECK-NEXT:     onnx.output(%relu "t" : tensor<?x3x6x?xf32>)
  // CHECK-NEXT:   }
  // CHECK-NEXT: }, else_branch {
  // CHECK-NEXT:   onnx.graph "else" () {
  // CHECK-NEXT:     onnx.output(%n "e" : tensor<?x3x6x?xf32>)
  // CHECK-NEXT:   }
  // CHECK-NEXT: }
  %r = onnx.If "if"(%c) : (tensor<i1>) -> tensor<?x3x6x?xf32> with then_branch {
    onnx.graph "then" () {
      %relu = onnx.Relu(%n) : (tensor<?x3x6x?xf32>) -> tensor<?x3x6x?xf32>
      onnx.output(%relu "t" : tensor<?x3x6x?xf32>)
    }
  }, else_branch {
    onnx.graph "else" () {
      onnx.output(%n "e" : tensor<?x3x6x?xf32>)
    }
  }
  // CHECK-NEXT: %u = onnx.custom "com.acme" "Fused" "f"(%r) {alpha = 1.000000e+00 : f32} : (tensor<?x3x6x?xf32>) -> !onnx.unknown
  %u = onnx.custom "com.acme" "Fused" "f"(%r) {alpha = 1.0 : f32} : (tensor<?x3x6x?xf32>) -> !onnx.unknown
  // CHECK-NEXT: %q = onnx.SequenceConstruct(%x, %x) : (tensor<?x3x8x?xf32>, tensor<?x3x8x?xf32>) -> !onnx.seq<tensor<?x3x8x?xf32>>
  %q = onnx.SequenceConstruct(%x, %x) : (tensor<?x3x8x?xf32>, tensor<?x3x8x?xf32>) -> !onnx.seq<tensor<?x3x8x?xf32>>
  // CHECK-NEXT: %o = onnx.Optional(%q) : (!onnx.seq<tensor<?x3x8x?xf32>>) -> !onnx.optional<!onnx.seq<tensor<?x3x8x?xf32>>>
  %o = onnx.Optional(%q) : (!onnx.seq<tensor<?x3x8x?xf32>>) -> !onnx.optional<!onnx.seq<tensor<?x3x8x?xf32>>>
  // CHECK-NEXT: %z = onnx.ml.ZipMap(%k) {classlabels_int64s = array<i64: 0, 1>} : (tensor<512xf32>) -> !onnx.seq<!onnx.map<i64, tensor<f32>>>
  %z = onnx.ml.ZipMap(%k) {classlabels_int64s = array<i64: 0, 1>} : (tensor<512xf32>) -> !onnx.seq<!onnx.map<i64, tensor<f32>>>
  // CHECK-NEXT: onnx.output(%r "y" : tensor<?x3x6x?xf32>, %u "u" : !onnx.unknown)
  onnx.output(%r "y" : tensor<?x3x6x?xf32>, %u "u" : !onnx.unknown)
}
