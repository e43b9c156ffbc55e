// RUN: ascend-opt %s -p 'ge-name-weights{consts="w","g"}' | filecheck %s --check-prefix=NAMED
// RUN: ascend-opt %s -p 'ge-name-weights{consts="w","g"},ge-fuse-conv-batch-norm,ge-assign-precision,ge-make-weight-refreshable{named=true}' | filecheck %s

// A convolution whose batch norm is folded, and a small weight that is cast.
ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x3x8x8xf32>
  %w = ge.Const "w_Initializer_0" #weights.file<"m.weights", 0 + 864> : tensor<8x3x3x3xf32>
  %s = ge.Const "s" #weights.file<"m.weights", 864 + 32> : tensor<8xf32>
  %b = ge.Const "b" #weights.splat<0.0 : f32, 8> : tensor<8xf32>
  %m = ge.Const "m" #weights.file<"m.weights", 896 + 32> : tensor<8xf32>
  %v = ge.Const "v" #weights.file<"m.weights", 928 + 32> : tensor<8xf32>
  %g = ge.Const "g" dense<2.0> : tensor<1xf32>
  %k = ge.Const "k" #weights.file<"m.weights", 960 + 4> : tensor<1xf32>
  %c = ge.op "Conv2D" "conv"(x = %x, filter = %w) {strides = array<i64: 1, 1, 1, 1>, pads = array<i64: 0, 0, 0, 0>, data_format = "NCHW"} : (tensor<1x3x8x8xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x6x6xf32>
  %n = ge.op "BNInfer" "norm"(x = %c, scale = %s, offset = %b, mean = %m, variance = %v) {epsilon = 1.0e-05 : f32} : (tensor<1x8x6x6xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x6x6xf32>
  %p = ge.op "Mul" "product"(x1 = %n, x2 = %g) : (tensor<1x8x6x6xf32>, tensor<1xf32>) -> tensor<1x8x6x6xf32>
  %a = ge.op "Add" "sum"(x1 = %p, x2 = %k) : (tensor<1x8x6x6xf32>, tensor<1xf32>) -> tensor<1x8x6x6xf32>
  ge.NetOutput "Node_Output"(input0 = %a) : (tensor<1x8x6x6xf32>)
}

// What is chosen has a name, and so has whatever might be computed together with it.
// NAMED:      ge.graph "net" attributes {refreshed = ["w", "g"], required = ["w", "g"]}
// NAMED:        ge.Const "w_Initializer_0" #weights.named<"w", #weights.file<"m.weights", 0 + 864> as tensor<8x3x3x3xf32>> : tensor<8x3x3x3xf32>
// NAMED-NEXT:   ge.Const "s" #weights.named<"s", #weights.file
// NAMED-NEXT:   ge.Const "b" #weights.named<"b", #weights.splat
// NAMED:        ge.Const "g" #weights.named<"g", dense<2.000000e+00> : tensor<1xf32> as tensor<1xf32>> : tensor<1xf32>
// NAMED-NEXT:   ge.Const "k" #weights.file

// The variables hold what was made of w and g, and of what w was folded with.
// CHECK:      ge.graph "var_infer_graph" attributes {refreshable = [#ge.refreshable<"w", "w_Initializer_0", #weights.cast<#weights.compute<"Mul"(#weights.named<"w", #weights.file<"m.weights", 0 + 864> as tensor<8x3x3x3xf32>> as tensor<8x3x3x3xf32>, #weights.compute<"RealDiv"(#weights.named<"s"
// CHECK-SAME:   #ge.refreshable<"g", "g", #weights.cast<#weights.named<"g", dense<2.000000e+00> : tensor<1xf32> as tensor<1xf32>>, f32 to f16> as tensor<1xf16>>, #ge.refreshable<"b", "conv_bias", #weights.cast<#weights.compute<"Sub"(#weights.named<"b"
// CHECK:        ge.Variable "g_var" : tensor<1xf16>
// CHECK-NEXT:   ge.Const "k" #weights.cast<#weights.file<"m.weights", 960 + 4>, f32 to f16> : tensor<1xf16>
// CHECK-NEXT:   ge.Variable "w_Initializer_0_var" : tensor<8x3x3x3xf16>
// CHECK-NEXT:   ge.Variable "conv_bias_var" : tensor<8xf16>
// CHECK-NEXT:   ge.op "Conv2D" "conv"
// CHECK-NOT:    ge.op "BNInfer"
// CHECK:      ge.graph "var_init_graph"
// CHECK-NEXT:   ge.Variable "w_Initializer_0_var" : tensor<8x3x3x3xf16>
// CHECK-NEXT:   ge.Const "w_Initializer_0" #weights.cast<#weights.compute<"Mul"(#weights.file<"m.weights", 0 + 864>
// CHECK:      ge.graph "var_update_graph"
// CHECK-NEXT:   ge.Data "w_Initializer_0_var_data" {index = 0 : i64} : tensor<*xf16>
