// RUN: ascend-opt %s -p ge-assign-precision | filecheck %s
// RUN: ascend-opt %s -p 'ge-assign-precision{mode=must_keep_origin_dtype}' | filecheck %s --check-prefix=ORIGIN
// RUN: ascend-opt %s -p 'ge-assign-precision{keep="product","OpType::Cast"}' | filecheck %s --check-prefix=KEEP

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x4xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 64> : tensor<4x4xf32>
  %v = ge.Variable "b_var" : tensor<4xf32>
  %i = ge.Const "i" dense<[2, 4]> : tensor<2xi64>
  %p = ge.op "MatMulV2" "product"(x1 = %x, x2 = %w, bias = %v) : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %r = ge.op "Reshape" "shaped"(x = %p, shape = %i) : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  %c = ge.op "Cast" "cast"(x = %i) {dst_type = 0 : i64} : (tensor<2xi64>) -> tensor<2xf32>
  ge.NetOutput "Node_Output"(input0 = %r, input1 = %c, input2 = %p) : (tensor<2x4xf32>, tensor<2xf32>, tensor<2x4xf32>)
}

// The statistics of a batch norm stay float32: variances down to 1e-14 do occur.
ge.graph "batch_norm" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<1x2x4x4xf32>
  %s = ge.Const "s" #weights.splat<1.0 : f32, 2> : tensor<2xf32>
  %y = ge.op "BNInfer" "bn"(x = %x, scale = %s, offset = %s, mean = %s, variance = %s) {epsilon = 1.0e-05 : f32} : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<1x2x4x4xf32>)
}

// The arguments and results of graphs that an If owns keep their types, what is inside does not.
ge.graph "branches" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xf32>
  %b = ge.Data "b" {index = 1 : i64} : tensor<i1>
  %y = ge.op "If" "if"(cond = %b, input0 = %x) : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
    ge.graph "then" {
      %0 = ge.Data "then/x" {index = 1 : i64} : tensor<4xf32>
      %1 = ge.op "Exp" "exp"(x = %0) : (tensor<4xf32>) -> tensor<4xf32>
      ge.NetOutput "then/out"(input0 = %1) : (tensor<4xf32>)
    }
  } {
    ge.graph "else" {
      %0 = ge.Data "else/x" {index = 1 : i64} : tensor<4xf32>
      ge.NetOutput "else/out"(input0 = %0) : (tensor<4xf32>)
    }
  }
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xf32>)
}

// Weights keep their values as they are: assigning and updating happens in float32.
ge.graph "var_init_graph" {
  %v = ge.Variable "b_var" : tensor<4xf32>
  %c = ge.Const "b" #weights.file<"m.weights", 64 + 16> : tensor<4xf32>
  %a = ge.op "Assign" "b_assign"(ref = %v, value = %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
}

// CHECK:      %x = ge.Data "x" {index = 0 : i64} : tensor<2x4xf32>
// CHECK-NEXT: [[X:%.+]] = ge.op "Cast" "trans_Cast_0"(x = %x) {SrcT = 0 : i64, DstT = 1 : i64, dst_type = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf16>
// CHECK-NEXT: [[W:%.+]] = ge.Const "w" #weights.cast<#weights.file<"m.weights", 0 + 64>, f32 to f16> : tensor<4x4xf16>
// CHECK-NEXT: %v = ge.Variable "b_var" : tensor<4xf32>
// CHECK-NEXT: [[V:%.+]] = ge.op "Cast" "trans_Cast_1"(x = %v)
// CHECK-NEXT: %i = ge.Const "i" dense<[2, 4]> : tensor<2xi64>
// CHECK-NEXT: "product"(x1 = [[X]], x2 = [[W]], bias = [[V]]) : (tensor<2x4xf16>, tensor<4x4xf16>, tensor<4xf16>) -> tensor<2x4xf16>
// CHECK-NEXT: "shaped"{{.*}} : (tensor<2x4xf16>, tensor<2xi64>) -> tensor<2x4xf16>
// CHECK-NEXT: %c = ge.op "Cast" "cast"(x = %i) {dst_type = 0 : i64} : (tensor<2xi64>) -> tensor<2xf32>
// CHECK-NEXT: [[R:%.+]] = ge.op "Cast" "trans_Cast_2"{{.*}} -> tensor<2x4xf32>
// CHECK-NEXT: [[P:%.+]] = ge.op "Cast" "trans_Cast_3"{{.*}} -> tensor<2x4xf32>
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = [[R]], input1 = %c, input2 = [[P]])
// CHECK-LABEL: ge.graph "batch_norm"
// CHECK: ge.op "BNInfer" "bn"{{.*}} : (tensor<1x2x4x4xf16>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf16>
// CHECK-LABEL: ge.graph "branches"
// CHECK: ge.op "If" "if"(cond = %b, input0 = %x) : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: [[X:%.+]] = ge.op "Cast" "trans_Cast_6"
// CHECK-NEXT: [[E:%.+]] = ge.op "Exp" "exp"(x = [[X]]) : (tensor<4xf16>) -> tensor<4xf16>
// CHECK-NEXT: [[Y:%.+]] = ge.op "Cast" "trans_Cast_7"(x = [[E]])
// CHECK-NEXT: ge.NetOutput "then/out"(input0 = [[Y]])
// CHECK: ge.NetOutput "else/out"(input0 = %{{.*}}) : (tensor<4xf32>)
// CHECK-LABEL: ge.graph "var_init_graph"
// CHECK:      ge.Const "b" #weights.file<"m.weights", 64 + 16> : tensor<4xf32>
// CHECK-NEXT: ge.op "Assign" "b_assign"{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>

// ORIGIN-NOT: f16

// KEEP: "product"{{.*}} : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// KEEP: "shaped"{{.*}} : (tensor<2x4xf16>, tensor<2xi64>) -> tensor<2x4xf16>
