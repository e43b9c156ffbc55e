// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "random"
onnx.graph "random" opset {ai.onnx = 18} (%x : tensor<2x3xf16> "x") {
  // CHECK: ge.Const "PartitionedCall_normal_input_shape_29" dense<[2, 3]>
  // CHECK: ge.op "RandomStandardNormal" "PartitionedCall_normal_randomNormal_30"(shape = %{{.*}}) {dtype = f32, seed = 7 : i64, seed2 = 7 : i64
  // CHECK: ge.op "Muls" "PartitionedCall_normal_mul_31"(x = %{{.*}}) {value = 2.000000e+00 : f32
  // CHECK: ge.op "Adds" "PartitionedCall_normal_add_32"(x = %{{.*}}) {value = 1.000000e+00 : f32
  // CHECK: ge.op "Shape" "PartitionedCall_uniform_shape_1"(x = %x) {dtype = 3 : i64
  // CHECK: ge.op "RandomUniform" "PartitionedCall_uniform_random_uniform_2"(shape = %{{.*}}) {dtype = f16, seed = 0 : i64, seed2 = 0 : i64
  // CHECK: ge.Const "PartitionedCall_uniform_const_scale_7" #weights.splat<4.000000e+00 : f32, 1>
  // CHECK: ge.op "Cast" "PartitionedCall_uniform_cast_scale_5"(x = %{{.*}}) {dst_type = 1 : i64
  // CHECK: ge.op "Mul" "PartitionedCall_uniform_mul_3"(x1 = %{{.*}}, x2 = %{{.*}})
  // CHECK: ge.Const "PartitionedCall_uniform_const_mean_8" #weights.splat<-1.000000e+00 : f32, 1>
  // CHECK: ge.op "Cast" "PartitionedCall_uniform_cast_mean_6"(x = %{{.*}}) {dst_type = 1 : i64
  // CHECK: ge.op "Add" "PartitionedCall_uniform_add_4"(x1 = %{{.*}}, x2 = %{{.*}})
  // CHECK: ge.Const "PartitionedCall_bernoullidata1_12" #weights.splat<0 : i64, 1>
  // CHECK: ge.Const "PartitionedCall_bernoullidata2_11" #weights.splat<0 : i64, 1>
  // CHECK: ge.op "StatelessBernoulliV2" "PartitionedCall_bernoulliStatelessBernoulliV2_10"(x = %x, seed = %{{.*}}, offset = %{{.*}}) {dtype = f16
  // CHECK: ge.Const "PartitionedCall_multinomial_data1_15" #weights.splat<4 : i32, 1>
  // CHECK: ge.op "Multinomial" "PartitionedCall_multinomial_Muti_14"(logits = %x, num_samples = %{{.*}}) {dtype = i32, seed = 0 : i64
  // CHECK: ge.op "Shape" "PartitionedCall_eye_shape_17"(x = %x) {dtype = 3 : i64
  // CHECK: ge.Const "PartitionedCall_eye_const3_22" #weights.splat<0 : i32, 1>
  // CHECK: ge.op "Split" "PartitionedCall_eye_split_18"(split_dim = %{{.*}}, x = %{{.*}}) {num_split = 2 : i64
  // CHECK: ge.op "Adds" "PartitionedCall_eye_add_19"(x = %{{.*}}) {value = 1.000000e+00 : f32
  // CHECK: ge.Const "PartitionedCall_eye_const2_26" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "Fill" "PartitionedCall_eye_fill_23"(dims = %{{.*}}, value = %{{.*}})
  // CHECK: ge.op "Cast" "PartitionedCall_eye_cast_25"(x = %{{.*}}) {dst_type = 1 : i64
  // CHECK: ge.Const "PartitionedCall_eye_const_27" #weights.splat<1 : i32, 1>
  // CHECK: ge.op "Squeeze" "PartitionedCall_eye_squeeze_20"(x = %{{.*}}) {axis = array<i64: 0>
  // CHECK: ge.op "Squeeze" "PartitionedCall_eye_squeeze1_21"(x = %{{.*}}) {axis = array<i64: 0>
  // CHECK: ge.Const "PartitionedCall_eye_const1_28" #weights.splat<0.000000e+00 : f16, 1>
  // CHECK: ge.op "MatrixDiagV2" "PartitionedCall_eye_matrix_diagv2_24"(diagonal = %{{.*}}, k = %{{.*}}, num_rows = %{{.*}}, num_cols = %{{.*}}, padding_value = %{{.*}})
  %n = onnx.RandomNormal "normal" {shape = array<i64: 2, 3>, mean = 1.0 : f32, scale = 2.0 : f32, seed = 7.0 : f32} : () -> tensor<2x3xf32>
  %u = onnx.RandomUniformLike "uniform"(%x) {low = -1.0 : f32, high = 3.0 : f32} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  %b = onnx.Bernoulli "bernoulli"(%x) : (tensor<2x3xf16>) -> tensor<2x3xf16>
  %m = onnx.Multinomial "multinomial"(%x) {sample_size = 4 : i64} : (tensor<2x3xf16>) -> tensor<2x4xi32>
  %e = onnx.EyeLike "eye"(%x) {k = 1 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  onnx.output(%n "n" : tensor<2x3xf32>, %u "u" : tensor<2x3xf16>, %b "b" : tensor<2x3xf16>, %m "m" : tensor<2x4xi32>, %e "e" : tensor<2x3xf16>)
}

