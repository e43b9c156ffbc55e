// RUN: ascend-opt %s -p convert-onnx-to-ge | filecheck %s

// CHECK: ge.graph "reductions"
onnx.graph "reductions" opset {ai.onnx = 18} (%x : tensor<4x6xf32> "x", %a : tensor<1xi64> "a") {
  // CHECK: ge.Const "PartitionedCall_log_data1_3" dense<>
  // CHECK: ge.op "ReduceSum" "PartitionedCall_log_ReduceSum_1"(x = %x, axes = %{{.*}}) {keep_dims = true, noop_with_empty_axes = false
  // CHECK: ge.op "Log" "PartitionedCall_log_Log_2"(x = %{{.*}})
  // CHECK: ge.op "ReduceSum" "PartitionedCall_logs_ReduceSum_6"(x = %x, axes = %a) {keep_dims = false, noop_with_empty_axes = false
  // CHECK: ge.op "Log" "PartitionedCall_logs_Log_7"(x = %{{.*}})
  // CHECK: ge.op "SquareSumV1" "square"(x = %x) {axis = array<i64: 1>, keep_dims = true, noop_with_empty_axes = false
  // CHECK: ge.op "LpNormV2" "l1"(x = %x) {p = 1.000000e+00 : f32, axes = array<i64: 1>, keepdim = false
  // CHECK: ge.op "OnnxReduceL2" "elsewhere"(data = %x, axes = %a) {onnx_domain = "ai.onnx", onnx_opset = 18 : i64, _ascend_opt_ai_cpu_reason = "ReduceL2 has axes that are not constant"
  %l = onnx.ReduceLogSum "log"(%x) : (tensor<4x6xf32>) -> tensor<1x1xf32>
  %m = onnx.ReduceLogSum "logs"(%x, %a) {keepdims = 0 : i64} : (tensor<4x6xf32>, tensor<1xi64>) -> tensor<?xf32>
  %o = onnx.initializer "o" dense<[1]> : tensor<1xi64>
  %s = onnx.ReduceSumSquare "square"(%x, %o) : (tensor<4x6xf32>, tensor<1xi64>) -> tensor<4x1xf32>
  %n = onnx.ReduceL1 "l1"(%x, %o) {keepdims = 0 : i64} : (tensor<4x6xf32>, tensor<1xi64>) -> tensor<4xf32>
  %f = onnx.ReduceL2 "elsewhere"(%x, %a) : (tensor<4x6xf32>, tensor<1xi64>) -> tensor<?x?xf32>
  onnx.output(%l "l" : tensor<1x1xf32>, %m "m" : tensor<?xf32>, %s "s" : tensor<4x1xf32>, %n "n" : tensor<4xf32>, %f "f" : tensor<?x?xf32>)
}

// CHECK: ge.graph "older"
onnx.graph "older" opset {ai.onnx = 11} (%x : tensor<4x6xf32> "x") {
  // CHECK: ge.Const "PartitionedCall_exp_data1_2" dense<1>
  // CHECK: ge.op "ReduceLogSumExp" "PartitionedCall_exp_ReduceLogSumExp_1"(x = %x, axes = %{{.*}}) {keep_dims = true, noop_with_empty_axes = false
  // CHECK: ge.op "LpNormV2" "l2"(x = %x) {p = 2.000000e+00 : f32, axes = array<i64: 1>, keepdim = true
  %a = onnx.ReduceLogSumExp "exp"(%x) {axes = array<i64: 1>} : (tensor<4x6xf32>) -> tensor<4x1xf32>
  %b = onnx.ReduceL2 "l2"(%x) {axes = array<i64: 1>} : (tensor<4x6xf32>) -> tensor<4x1xf32>
  onnx.output(%a "a" : tensor<4x1xf32>, %b "b" : tensor<4x1xf32>)
}

