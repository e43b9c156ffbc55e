// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "norms"
// CHECK: ge.op "Identity" "PartitionedCall_layer_identity_0_3"(x = %{{.+}})
// CHECK: ge.op "Shape" "PartitionedCall_layer_shape_6"(x = %{{.+}}) {dtype = 3 : i64
// CHECK: ge.op "Identity" "PartitionedCall_layer_identity_1_4"(x = %{{.+}})
// CHECK: ge.op "BroadcastTo" "PartitionedCall_layer_broadcastto1_8"(x = %{{.+}}, shape = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_layer_identity_2_5"(x = %{{.+}})
// CHECK: ge.op "BroadcastTo" "PartitionedCall_layer_broadcastto2_9"(x = %{{.+}}, shape = %{{.+}})
// CHECK: ge.op "LayerNorm" "PartitionedCall_layer_LayerNorm_7"(x = %{{.+}}, gamma = %{{.+}}, beta = %{{.+}}) {begin_norm_axis = -1 : i64, epsilon = 1.000000e-05 : f32
// CHECK: ge.op "Adds" "PartitionedCall_layer_Adds_11"(x = %{{.+}}) {value = 1.000000e-05 : f32
// CHECK: ge.op "Rsqrt" "PartitionedCall_layer_Rsqrt_13"(x = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_layer_identity_4_10"(x = %{{.+}})
// CHECK: ge.op "Cast" "PartitionedCall_layer_cast2_12"(x = %{{.+}}) {dst_type = 0 : i64
// CHECK: ge.op "Identity" "PartitionedCall_layer_identity_3_14"(x = %{{.+}})
// CHECK: ge.op "Cast" "PartitionedCall_layer_cast1_15"(x = %{{.+}}) {dst_type = 0 : i64
// CHECK: ge.Const "PartitionedCall_plain_beta_18" #weights.splat<0.000000e+00 : f32, 1>
// CHECK: ge.op "LayerNorm" "PartitionedCall_plain_LayerNorm_23"(x = %{{.+}}, gamma = %{{.+}}, beta = %{{.+}}) {begin_norm_axis = 2 : i64, epsilon = 1.000000e-05 : f32
// CHECK: ge.op "Identity" "PartitionedCall_lp_Identity_37"(x = %{{.+}})
// CHECK: ge.op "LpNormV2" "PartitionedCall_lp_LpNormV2_38"(x = %{{.+}}) {p = 1.000000e+00 : f32, axes = array<i64: 1>, keepdim = true, epsilon = 0.000000e+00 : f32, one_for_zero = true
// CHECK: ge.op "Div" "PartitionedCall_lp_Div_39"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.op "Identity" "PartitionedCall_limit_identity_45"(x = %{{.+}})
// CHECK: ge.op "Threshold" "PartitionedCall_limit_threshold_46"(x = %{{.+}}) {threshold = 5.000000e-01 : f32
// CHECK: ge.op "Mul" "PartitionedCall_limit_mul_47"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.op "AccumulateNV2" "PartitionedCall_mean_AccumulateNV2_42"(x0 = %{{.+}}, x1 = %{{.+}}) {N = 2 : i64
// CHECK: ge.op "Muls" "PartitionedCall_mean_Muls_43"(x = %{{.+}}) {value = 5.000000e-01 : f32
// CHECK: ge.op "Add" "PartitionedCall_wide_Add_1_34"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.op "Muls" "PartitionedCall_wide_Muls_35"(x = %{{.+}}) {value = 5.000000e-01 : f32
onnx.graph "norms" opset {ai.onnx = 17} (%x : tensor<?x4x5xf16> "x", %s : tensor<5xf16> "s", %b : tensor<5xf16> "b") {
  %y, %m, %d = onnx.LayerNormalization "layer"(%x, %s, %b) : (tensor<?x4x5xf16>, tensor<5xf16>, tensor<5xf16>) -> (tensor<?x4x5xf16>, tensor<?x4x1xf32>, tensor<?x4x1xf32>)
  %z = onnx.LayerNormalization "plain"(%y, %s) {axis = 2 : i64} : (tensor<?x4x5xf16>, tensor<5xf16>) -> tensor<?x4x5xf16>
  %l = onnx.LpNormalization "lp"(%z) {axis = 1 : i64, p = 1 : i64} : (tensor<?x4x5xf16>) -> tensor<?x4x5xf16>
  %t = onnx.ThresholdedRelu "limit"(%l) {alpha = 0.5 : f32} : (tensor<?x4x5xf16>) -> tensor<?x4x5xf16>
  %n = onnx.Mean "mean"(%t, %z) : (tensor<?x4x5xf16>, tensor<?x4x5xf16>) -> tensor<?x4x5xf16>
  %w = onnx.Mean "wide"(%t, %s) : (tensor<?x4x5xf16>, tensor<5xf16>) -> tensor<?x4x5xf16>
  onnx.output(%n "n" : tensor<?x4x5xf16>, %w "w" : tensor<?x4x5xf16>, %m "m" : tensor<?x4x1xf32>, %d "d" : tensor<?x4x1xf32>)
}
// CHECK: ge.graph "logic"
// CHECK: ge.op "Cast" "PartitionedCall_xor_Cast_a_2"(x = %{{.+}}) {dst_type = 3 : i64
// CHECK: ge.op "Cast" "PartitionedCall_xor_Cast_b_3"(x = %{{.+}}) {dst_type = 3 : i64
// CHECK: ge.op "BitwiseXor" "PartitionedCall_xor_Xor_4"(x1 = %{{.+}}, x2 = %{{.+}})
// CHECK: ge.op "Cast" "PartitionedCall_xor_Cast_out_5"(x = %{{.+}}) {dst_type = 12 : i64
// CHECK: ge.op "Mod" "mod"(x1 = %{{.+}}, x2 = %{{.+}}) {fmod = 0 : i64
// CHECK: ge.op "LeftShift" "left"(x = %{{.+}}, y = %{{.+}})
// CHECK: ge.op "Einsum" "sum"(x0 = %{{.+}}, x1 = %{{.+}}) {equation = "ij,ij->i", N = 2 : i64
// CHECK: ge.op "LogSoftmaxV2" "log"(logits = %{{.+}}) {axes = array<i64: 0>
onnx.graph "logic" opset {ai.onnx = 17} (%x : tensor<4xi1> "x", %i : tensor<4xi32> "i", %u : tensor<4xui8> "u", %f : tensor<4x5xf32> "f") {
  %a = onnx.Xor "xor"(%x, %x) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %b = onnx.Mod "mod"(%i, %i) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %c = onnx.BitShift "left"(%u, %u) {direction = "LEFT"} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  %d = onnx.Einsum "sum"(%f, %f) {equation = "ij,ij->i"} : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4xf32>
  %e = onnx.LogSoftmax "log"(%f) {axis = 0 : i64} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  onnx.output(%a "a" : tensor<4xi1>, %b "b" : tensor<4xi32>, %c "c" : tensor<4xui8>, %d "d" : tensor<4xf32>, %e "e" : tensor<4x5xf32>)
}
