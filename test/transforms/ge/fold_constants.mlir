// RUN: ascend-opt %s -p ge-fold-constants | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x8x4x4xf32>
  %d = ge.Const "dims" dense<[8, 3]> : tensor<2xi64>
  %v = ge.Const "value" #weights.splat<2.0 : f32, 1> : tensor<f32>
  %f = ge.op "Fill" "fill"(dims = %d, value = %v) : (tensor<2xi64>, tensor<f32>) -> tensor<8x3xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 32> : tensor<8xf32>
  %u = ge.op "Unsqueeze" "unsqueeze"(x = %w) {axes = array<i64: 1, 2>} : (tensor<8xf32>) -> tensor<8x1x1xf32>
  %s = ge.op "Shape" "shape"(x = %x) {dtype = 9 : i64} : (tensor<1x8x4x4xf32>) -> tensor<4xi64>
  %y = ge.op "Add" "sum"(x1 = %x, x2 = %u) : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %f, input2 = %s) : (tensor<1x8x4x4xf32>, tensor<8x3xf32>, tensor<4xi64>)
}

// CHECK-LABEL: ge.graph "net" {
// CHECK-NEXT: %x = ge.Data "x"
// CHECK-NEXT: %f = ge.Const "dynamic_const_0" #weights.splat<2.000000e+00 : f32, 24> {_datadump_original_op_names = ["fill"], _is_from_constant_folding = true} : tensor<8x3xf32>
// CHECK-NEXT: %u = ge.Const "dynamic_const_1" #weights.file<"m.weights", 0 + 32> {_datadump_original_op_names = ["unsqueeze"], _is_from_constant_folding = true} : tensor<8x1x1xf32>
// CHECK-NEXT: %s = ge.Const "dynamic_const_2" dense<[1, 8, 4, 4]> : tensor<4xi64>
// CHECK-NEXT: "sum"(x1 = %x, x2 = %u)
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %y, input1 = %f, input2 = %s)

// A part of a shape is known where the whole is.
ge.graph "part" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x8x4x4xf32>
  %s = ge.op "Shape" "shape"(x = %x) {dtype = 9 : i64, start = -3 : i64, end = -1 : i64} : (tensor<1x8x4x4xf32>) -> tensor<2xi64>
  ge.NetOutput "Node_Output"(input0 = %s) : (tensor<2xi64>)
}

// CHECK-LABEL: ge.graph "part" {
// CHECK-NEXT: %x = ge.Data "x"
// CHECK-NEXT: %s = ge.Const "dynamic_const_{{.*}}" dense<[8, 4]> : tensor<2xi64>

// Small operands are computed with.
ge.graph "shapes" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x6x4xf32>
  %s = ge.op "Shape" "shape"(x = %x) {dtype = 9 : i64} : (tensor<2x6x4xf32>) -> tensor<3xi64>
  %i = ge.Const "i" dense<1> : tensor<i64>
  %z = ge.Const "z" dense<0> : tensor<i32>
  %g = ge.op "GatherV2" "gather"(x = %s, indices = %i, axis = %z) {batch_dims = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<i32>) -> tensor<i64>
  %h = ge.Const "h" dense<-2> : tensor<i64>
  %d = ge.op "RealDiv" "half"(x1 = %g, x2 = %h) : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %a = ge.Const "a" dense<[0]> : tensor<1xi64>
  %u = ge.op "UnsqueezeV3" "vector"(x = %d, axes = %a) : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %m = ge.Const "m" dense<[2, 4]> : tensor<2xi64>
  %t = ge.op "ConcatD" "target"(x0 = %m, x1 = %u) {concat_dim = 0 : i64, N = 2 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %y = ge.op "Reshape" "reshape"(x = %x, shape = %t) : (tensor<2x6x4xf32>, tensor<3xi64>) -> tensor<2x4x6xf32>
  // What the device has to say: a division by zero.
  %n = ge.Const "n" dense<0> : tensor<i64>
  %e = ge.op "RealDiv" "none"(x1 = %g, x2 = %n) : (tensor<i64>, tensor<i64>) -> tensor<i64>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %e) : (tensor<2x4x6xf32>, tensor<i64>)
}

// CHECK-LABEL: ge.graph "shapes"
// CHECK-NEXT: ge.Data "x"
// CHECK-NEXT: %g = ge.Const "dynamic_const_5" dense<6> : tensor<i64>
// CHECK-NEXT: %t = ge.Const "dynamic_const_8" dense<[2, 4, -3]> : tensor<3xi64> {_datadump_original_op_names = ["target"], _is_from_constant_folding = true}
// CHECK-NEXT: ge.op "Reshape" "reshape"(x = %x, shape = %t)
// CHECK-NEXT: ge.Const "n"
// CHECK-NEXT: ge.op "RealDiv" "none"(x1 = %g, x2 = %n)

// Large ones stay where they are, and are computed when they are written.
ge.graph "weights" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<64x64xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 16384> : tensor<64x64xf32>
  %q = ge.Const "q" #weights.file<"m.weights", 16384 + 4096> : tensor<64x64xi8>
  %f = ge.op "Cast" "cast"(x = %q) {dst_type = 0 : i64} : (tensor<64x64xi8>) -> tensor<64x64xf32>
  %r = ge.Const "scale" #weights.file<"m.weights", 20480 + 256> : tensor<64xf32>
  %m = ge.op "Mul" "dequantised"(x1 = %f, x2 = %r) : (tensor<64x64xf32>, tensor<64xf32>) -> tensor<64x64xf32>
  %p = ge.Const "p" dense<[1, 0]> : tensor<2xi32>
  %t = ge.op "Transpose" "transposed"(x = %w, perm = %p) : (tensor<64x64xf32>, tensor<2xi32>) -> tensor<64x64xf32>
  %b = ge.Const "b" dense<[2]> : tensor<1xi64>
  %e = ge.Const "e" dense<[9223372036854775807]> : tensor<1xi64>
  %s = ge.op "StridedSliceV2" "slice"(x = %w, begin = %b, end = %e) : (tensor<64x64xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<62x64xf32>
  %k = ge.Const "ones" #weights.splat<1.0 : f32, 4096> : tensor<64x64xf32>
  %l = ge.op "Add" "twos"(x1 = %k, x2 = %k) : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = ge.op "Test" "sink"(input0 = %x, input1 = %m, input2 = %t, input3 = %s, input4 = %l) : (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<62x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<64x64xf32>)
}

// CHECK-LABEL: ge.graph "weights"
// CHECK:      %m = ge.Const "dynamic_const_{{.*}}" #weights.compute<"Mul"(#weights.cast<#weights.file<"m.weights", 16384 + 4096>, i8 to f32> as tensor<64x64xf32>, #weights.file<"m.weights", 20480 + 256> as tensor<64xf32>) -> tensor<64x64xf32>>
// CHECK-NEXT: %t = ge.Const "dynamic_const_{{.*}}" #weights.transpose<#weights.file<"m.weights", 0 + 16384> as tensor<64x64xf32>, [1, 0]>
// CHECK-NEXT: %s = ge.Const "dynamic_const_{{.*}}" #weights.file<"m.weights", 512 + 15872>
// CHECK-NEXT: %l = ge.Const "dynamic_const_{{.*}}" #weights.splat<2.000000e+00 : f32, 4096>
// CHECK-NEXT: ge.op "Test" "sink"

// What is joined, or does not lie together, is copied when it is written.
ge.graph "parts" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<64x64xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 16384> : tensor<64x64xf32>
  %v = ge.Const "v" #weights.named<"v", #weights.file<"m.weights", 16384 + 8192> as tensor<64x32xf32>> : tensor<64x32xf32>
  %j = ge.op "ConcatD" "joined"(x0 = %w, x1 = %v) {concat_dim = -1 : i64, N = 2 : i64} : (tensor<64x64xf32>, tensor<64x32xf32>) -> tensor<64x96xf32>
  %d = ge.Const "d" dense<0> : tensor<i32>
  %r0, %r1 = ge.op "Split" "rows"(split_dim = %d, x = %w) {num_split = 2 : i64} : (tensor<i32>, tensor<64x64xf32>) -> tensor<32x64xf32>, tensor<32x64xf32>
  %z = ge.Const "z" dense<[16, 48]> : tensor<2xi64>
  %c = ge.Const "c" dense<1> : tensor<i32>
  %c0, %c1 = ge.op "SplitV" "columns"(x = %w, size_splits = %z, split_dim = %c) {num_split = 2 : i64} : (tensor<64x64xf32>, tensor<2xi64>, tensor<i32>) -> tensor<64x16xf32>, tensor<64x48xf32>
  %b = ge.Const "b" dense<[0, 1]> : tensor<2xi64>
  %e = ge.Const "e" dense<[64, 3]> : tensor<2xi64>
  %s = ge.op "StridedSliceV2" "slice"(x = %v, begin = %b, end = %e) : (tensor<64x32xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<64x2xf32>
  %y = ge.op "Test" "sink"(input0 = %x, input1 = %j, input2 = %r0, input3 = %r1, input4 = %c0, input5 = %c1, input6 = %s) : (tensor<64x64xf32>, tensor<64x96xf32>, tensor<32x64xf32>, tensor<32x64xf32>, tensor<64x16xf32>, tensor<64x48xf32>, tensor<64x2xf32>) -> tensor<64x64xf32>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<64x64xf32>)
}

// CHECK-LABEL: ge.graph "parts"
// CHECK:      %j = ge.Const "dynamic_const_{{.*}}" #weights.concat<[#weights.file<"m.weights", 0 + 16384> as tensor<64x64xf32>, #weights.named<"v", #weights.file<"m.weights", 16384 + 8192> as tensor<64x32xf32>> as tensor<64x32xf32>], 1>
// CHECK-NEXT: %{{.*}} = ge.Const "dynamic_const_{{.*}}" #weights.file<"m.weights", 0 + 8192> {{.*}} : tensor<32x64xf32>
// CHECK-NEXT: %{{.*}} = ge.Const "dynamic_const_{{.*}}" #weights.file<"m.weights", 8192 + 8192> {{.*}} : tensor<32x64xf32>
// CHECK-NEXT: %{{.*}} = ge.Const "dynamic_const_{{.*}}" #weights.slice<#weights.file<"m.weights", 0 + 16384> as tensor<64x64xf32>, [0, 0], [64, 16]> {{.*}} : tensor<64x16xf32>
// CHECK-NEXT: %{{.*}} = ge.Const "dynamic_const_{{.*}}" #weights.slice<#weights.file<"m.weights", 0 + 16384> as tensor<64x64xf32>, [0, 16], [64, 48]> {{.*}} : tensor<64x48xf32>
// CHECK-NEXT: %s = ge.Const "dynamic_const_{{.*}}" #weights.slice<#weights.named<"v", #weights.file<"m.weights", 16384 + 8192> as tensor<64x32xf32>> as tensor<64x32xf32>, [0, 1], [64, 2]> {{.*}} : tensor<64x2xf32>
// CHECK-NEXT: ge.op "Test" "sink"
