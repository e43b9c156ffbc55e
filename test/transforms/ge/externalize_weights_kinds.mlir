// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=1}' | filecheck %s
// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=2}' | filecheck %s --check-prefix=COMBINED

// Types of all widths, constants of nested graphs, edges that follow the new names.

ge.graph "net" {
  %cond = ge.Data "cond" {index = 0 : i64} : tensor<i1>
  %h = ge.Const "half" dense<[1.0, 2.0]> : tensor<2xf16>
  %b = ge.Const "brain" dense<[1.0, 2.0]> : tensor<2xbf16>
  %n = ge.Const "nibbles" dense<[1, 2, 3]> : tensor<3xi4>
  %f = ge.Const "fp8" #weights.cast<dense<[1.0, 2.0]> : tensor<2xf32>, f32 to f8E4M3FN> : tensor<2xf8E4M3FN>
  %z = ge.Const "zeros" dense<0> : tensor<2xi32>
  %s = ge.Const "strings" #weights.strings<["a", "b"]> : tensor<2x!onnx.string>
  %t = ge.op "Identity" "waits"(x = %h) after ["half", "zeros"] : (tensor<2xf16>) -> tensor<2xf16>
  %y = ge.op "If" "branch"(cond = %cond) : (tensor<i1>) -> tensor<2xf32> {
    ge.graph "then" {
      %w = ge.Const "w" dense<0.0> : tensor<2xf32>
      %x = ge.op "Neg" "neg"(x = %w) after ["w"] : (tensor<2xf32>) -> tensor<2xf32>
      ge.NetOutput "then_out"(input0 = %x) : (tensor<2xf32>)
    }
  } {
    ge.graph "else" {
      %w = ge.Const "w" dense<[1.0, 2.0]> : tensor<2xf32>
      ge.NetOutput "else_out"(input0 = %w) : (tensor<2xf32>)
    }
  }
  ge.NetOutput "Node_Output"(input0 = %t, input1 = %y) : (tensor<2xf16>, tensor<2xf32>)
}

// CHECK:      %h = ge.FileConstant "half_6b60ada811679b7b8aeee59afcdd89fde521eef8c3686639eb8c923d19c639" {{.*}}length = 4 : i64, dtype = f16, shape = array<i64: 2>, original_shape = array<i64: 2>}
// CHECK-NEXT: %b = ge.FileConstant "brain_54114f53881f6678fbd79c23daf484457385ab26deba2abd70d219cde832" {{.*}}length = 4 : i64, dtype = bf16
// CHECK-NEXT: %n = ge.FileConstant "nibbles_3bd9484dd8e6405b6bd15765277196ad7dc2fd5ed6e8e88d7719891bbae17c70" {{.*}}length = 2 : i64, dtype = i4, shape = array<i64: 3>
// CHECK-NEXT: %f = ge.FileConstant "fp8_1c96e48e878555cff4b927725e35986f2e6c4b6e90ca05e658a5317c7faf73a" {{.*}}length = 2 : i64, dtype = f8E4M3FN
// CHECK-NEXT: %z = ge.FileConstant "zeros_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc" {{.*}}location = "weight_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc"
// CHECK-NEXT: %s = ge.Const "strings" #weights.strings
// CHECK-NEXT: ge.op "Identity" "waits"(x = %h) after ["half_6b60ada811679b7b8aeee59afcdd89fde521eef8c3686639eb8c923d19c639", "zeros_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc"]
// CHECK:      ge.graph "then"
// CHECK-NEXT: %w = ge.FileConstant "w_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc" {{.*}}location = "weight_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc"
// CHECK-NEXT: ge.op "Neg" "neg"(x = %w) after ["w_af5570f5a181b7af78caf4bc7a66fdf51e42baf91d4de5b2328de0e83dfc"]
// CHECK:      ge.graph "else"
// CHECK-NEXT: %w = ge.FileConstant "w_b9c8b5adeca45753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37"
// CHECK-NEXT: ge.NetOutput "else_out"(input0 = %w)

// Their order is that of the names, then of the graphs; equal bytes of another type are there once.
// COMBINED:      "half_{{.*}}offset = 1024 : i64
// COMBINED-NEXT: "brain_{{.*}}offset = 0 : i64
// COMBINED-NEXT: "nibbles_{{.*}}offset = 1536 : i64
// COMBINED-NEXT: "fp8_{{.*}}offset = 512 : i64
// COMBINED-NEXT: "zeros_{{.*}}offset = 2560 : i64
// COMBINED:      "then"
// COMBINED-NEXT: "w_{{.*}}offset = 2560 : i64
// COMBINED:      "else"
// COMBINED-NEXT: "w_{{.*}}offset = 2048 : i64
