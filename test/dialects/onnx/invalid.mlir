// RUN: ascend-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: onnx.Conv 'c': input 'W' is missing
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<1x3x8x8xf32> "x") {
  %y = onnx.Conv "c"(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x6x6xf32>
  onnx.output(%y "y" : tensor<1x3x6x6xf32>)
}

// -----

// CHECK: onnx.Relu 'r': has 2 inputs, at most 1 exist
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Relu "r"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.Relu 'r': input 'X' is tensor(int32), not one of tensor(bfloat16), tensor(double), tensor(float), tensor(float16) (opset 13)
onnx.graph "g" opset {ai.onnx = 13} (%x : tensor<4xi32> "x") {
  %y = onnx.Relu "r"(%x) : (tensor<4xi32>) -> tensor<4xi32>
  onnx.output(%y "y" : tensor<4xi32>)
}

// -----

// CHECK: onnx.Add 'a': input 'B' is tensor(float16), but type T is tensor(float) already
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x", %h : tensor<4xf16> "h") {
  %y = onnx.Add "a"(%x, %h) : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.Unsqueeze 'u': has no attribute 'axes' since opset 13 (attributes: none)
onnx.graph "g" opset {ai.onnx = 13} (%x : tensor<4xf32> "x", %a : tensor<1xi64> "a") {
  %y = onnx.Unsqueeze "u"(%x, %a) {axes = array<i64: 0>} : (tensor<4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  onnx.output(%y "y" : tensor<1x4xf32>)
}

// -----

// CHECK: onnx.Unsqueeze 'u': has 2 inputs, at most 1 exist
onnx.graph "g" opset {ai.onnx = 11} (%x : tensor<4xf32> "x", %a : tensor<1xi64> "a") {
  %y = onnx.Unsqueeze "u"(%x, %a) : (tensor<4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  onnx.output(%y "y" : tensor<1x4xf32>)
}

// -----

// CHECK: onnx.Concat 'c': attribute 'axis' is missing
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Concat "c"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  onnx.output(%y "y" : tensor<8xf32>)
}

// -----

// CHECK: onnx.Concat 'c': attribute 'axis' must be of kind INT, not 0.000000e+00 : f32
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Concat "c"(%x, %x) {axis = 0.0 : f32} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  onnx.output(%y "y" : tensor<8xf32>)
}

// -----

// CHECK: onnx.Gelu 'g': is new in opset 20, the model imports 17
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Gelu "g"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.Upsample 'u': is deprecated since opset 10
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Upsample "u"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  onnx.output(%y "y" : tensor<8xf32>)
}

// -----

// CHECK: onnx.ml.Normalizer 'n': the model imports no opset of 'ai.onnx.ml', only 'ai.onnx'
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.ml.Normalizer "n"(%x) {norm = "L2"} : (tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.Relu 'first' uses a value before its definition
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %y = onnx.Relu "first"(%z) : (tensor<4xf32>) -> tensor<4xf32>
  %z = onnx.Relu "second"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  onnx.output(%y "y" : tensor<4xf32>)
}

// -----

// CHECK: two values are called 'x'
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  %w = onnx.initializer "x" dense<0.0> : tensor<4xf32>
  onnx.output(%w "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.initializer 'w': 12 bytes do not fill tensor<4xf32>, which takes 16
onnx.graph "g" opset {ai.onnx = 17} () {
  %w = onnx.initializer "w" #weights.file<"w.bin", 0 + 12> : tensor<4xf32>
  onnx.output(%w "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.graph 'g': the graph of a model names its opset
onnx.graph "g" () {
  onnx.output()
}

// -----

// CHECK: onnx.graph 'g': 1 names for the unknown dimensions of tensor<?x?xf32>
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<?x?xf32> "x" ["batch"]) {
  onnx.output(%x "y" : tensor<?x?xf32>)
}

// -----

// CHECK: onnx.output: two outputs have one name
onnx.graph "g" opset {ai.onnx = 17} (%x : tensor<4xf32> "x") {
  onnx.output(%x "y" : tensor<4xf32>, %x "y" : tensor<4xf32>)
}

// -----

// CHECK: onnx.If 'i': 'then_branch' must hold one onnx.graph
onnx.graph "g" opset {ai.onnx = 17} (%c : tensor<i1> "c") {
  %y = onnx.If "i"(%c) : (tensor<i1>) -> tensor<4xf32> with then_branch {
    %n = onnx.none : none
  }
  onnx.output(%y "y" : tensor<4xf32>)
}
