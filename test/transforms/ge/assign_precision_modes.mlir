// RUN: ascend-opt %s -p 'ge-assign-precision{mode=allow_fp32_to_fp16}' | filecheck %s --check-prefix=CUBE16
// RUN: ascend-opt %s -p 'ge-assign-precision{mode=cube_fp16in_fp32out}' | filecheck %s --check-prefix=CUBE32
// RUN: ascend-opt %s -p 'ge-assign-precision{mode=force_fp32}' | filecheck %s --check-prefix=CUBE32
// RUN: ascend-opt %s -p 'ge-assign-precision{mode=allow_mix_precision_bf16}' | filecheck %s --check-prefix=MIX
// RUN: ascend-opt %s -p 'ge-assign-precision{mode=force_fp16}' | filecheck %s --check-prefix=ALL16

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<2x4xf32>
  %w = ge.Const "w" #weights.file<"m.weights", 0 + 64> : tensor<4x4xf32>
  %b = ge.Const "b" #weights.splat<1.0 : f32, 4> : tensor<4xf32>
  %s = ge.op "Sigmoid" "first"(x = %x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %p = ge.op "MatMulV2" "product"(x1 = %s, x2 = %w, bias = %b) : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %r = ge.op "Relu" "follows"(x = %p) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %q = ge.op "Pow" "power"(x1 = %r, x2 = %b) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %a = ge.op "Add" "sum"(x1 = %r, x2 = %q) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %n = ge.op "NonMaxSuppressionV6" "host"(boxes = %a, scores = %a) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  ge.NetOutput "Node_Output"(input0 = %n) : (tensor<2x4xf32>)
}

// bfloat16 becomes float16 where everything does.
ge.graph "brain" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<4xbf16>
  %y = ge.op "Neg" "neg"(x = %x) : (tensor<4xbf16>) -> tensor<4xbf16>
  ge.NetOutput "Node_Output"(input0 = %y) : (tensor<4xbf16>)
}

// CUBE16: "first"{{.*}} : (tensor<2x4xf32>) -> tensor<2x4xf32>
// CUBE16: "product"{{.*}} : (tensor<2x4xf16>, tensor<4x4xf16>, tensor<4xf16>) -> tensor<2x4xf16>
// CUBE16: "follows"{{.*}} : (tensor<2x4xf32>) -> tensor<2x4xf32>
// CUBE16: "neg"{{.*}} -> tensor<4xbf16>

// CUBE32: "product"{{.*}} : (tensor<2x4xf16>, tensor<4x4xf16>, tensor<4xf32>) -> tensor<2x4xf32>
// CUBE32-NEXT: "follows"{{.*}} : (tensor<2x4xf32>) -> tensor<2x4xf32>
// CUBE32: "neg"{{.*}} : (tensor<4xf32>) -> tensor<4xf32>

// MIX: ge.Const "b" #weights.splat<1.000000e+00 : f32, 4> : tensor<4xf32>
// MIX-NEXT: ge.Const "b_bf16" {{.*}} : tensor<4xbf16>
// MIX-NEXT: "first"{{.*}} : (tensor<2x4xf32>) -> tensor<2x4xf32>
// MIX: "product"{{.*}} : (tensor<2x4xbf16>, tensor<4x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
// MIX-NEXT: "follows"{{.*}} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
// MIX: "power"{{.*}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// MIX-NEXT: "sum"{{.*}} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
// MIX: "neg"{{.*}} -> tensor<4xbf16>

// ALL16: "power"{{.*}} : (tensor<2x4xf16>, tensor<4xf16>) -> tensor<2x4xf16>
// ALL16: "host"{{.*}} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
// ALL16: [[X:%.+]] = ge.op "Cast" "trans_Cast_{{[0-9]+}}"(x = %x) {SrcT = 27 : i64, DstT = 1 : i64, dst_type = 1 : i64}
// ALL16-NEXT: "neg"(x = [[X]]) : (tensor<4xf16>) -> tensor<4xf16>
