// RUN: ascend-opt %s -p ge-convert-batch-norm | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x8x4x4xf32>
  %s = ge.Const "s" #weights.splat<1.0 : f32, 8> : tensor<8xf32>
  %y, %m = ge.op "BatchNorm" "bn"(x = %x, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.0e-05 : f32, is_training = false} : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32>, tensor<8xf32>
  // Training computes its own statistics, whatever the inputs: this one stays.
  %t = ge.op "BatchNorm" "train"(x = %y, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.0e-05 : f32, is_training = true} : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32>
  // The statistics are used here: this one stays.
  %z, %n = ge.op "BatchNorm" "used"(x = %t, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.0e-05 : f32, is_training = false} : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32>, tensor<8xf32>
  ge.NetOutput "Node_Output"(input0 = %z, input1 = %n) : (tensor<1x8x4x4xf32>, tensor<8xf32>)
}

// CHECK:      ge.op "BNInfer" "bn"(x = %x, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = {{.*}} : f32} :
// CHECK-NEXT: ge.op "BatchNorm" "train"
// CHECK-NEXT: ge.op "BatchNorm" "used"
