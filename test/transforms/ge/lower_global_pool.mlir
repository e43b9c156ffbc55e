// RUN: ascend-opt %s -p ge-lower-global-pool | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x8x4x4xf32>
  %y = ge.op "GlobalAveragePool" "pool"(x = %x) : (tensor<1x8x4x4xf32>) -> tensor<1x8x1x1xf32>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<1x8x1x1xf32>)
}

// CHECK:      [[AXES:%.+]] = ge.Const "pool_axes" dense<[2, 3]> : tensor<2xi32>
// CHECK-NEXT: [[Y:%.+]] = ge.op "ReduceMean" "pool"(x = %x, axes = [[AXES]]) {keep_dims = true, noop_with_empty_axes = true} : (tensor<1x8x4x4xf32>, tensor<2xi32>) -> tensor<1x8x1x1xf32>
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[Y]])
