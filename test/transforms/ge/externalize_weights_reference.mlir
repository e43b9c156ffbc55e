// RUN: cd %S && ascend-opt %s -p 'ge-externalize-weights{mode=reference}' | filecheck %s
// RUN: cd %S && ascend-opt %s -p 'ge-externalize-weights{mode=reference hash=true}' | filecheck %s --check-prefix=HASH

// HASH: ge.FileConstant "file" {{.*}}_ascend_opt_sample_sha256 = "{{[0-9a-f]+}}"{{.*}}_value_sha256 = "{{[0-9a-f]+}}"

// Only bytes that lie in a file can be referred to: what is in the IR, or made of other bytes, stays.

ge.graph "net" {
  %f = ge.Const "file" #weights.file<"externalize_weights.mlir", 8 + 16> : tensor<4xf32>
  %g = ge.Const "again" #weights.file<"externalize_weights.mlir", 8 + 16> : tensor<2x2xf32>
  %d = ge.Const "dense" dense<[1.0, 2.0]> : tensor<2xf32>
  %c = ge.Const "cast" #weights.cast<#weights.file<"externalize_weights.mlir", 8 + 16>, f32 to f16> : tensor<4xf16>
  %e = ge.Const "empty" #weights.file<"externalize_weights.mlir", 8 + 0> : tensor<0xf32>
  %s = ge.Const "strings" #weights.strings<["a"]> : tensor<1x!onnx.string>
  %y = ge.op "If" "branch"(cond = %d) : (tensor<2xf32>) -> tensor<4xi8> {
    ge.graph "then" {
      %w = ge.Const "inner" #weights.file<"externalize_weights.mlir", 3 + 4> : tensor<4xi8>
      ge.NetOutput "then_out"(input0 = %w) : (tensor<4xi8>)
    }
  } {
    ge.graph "else" {
      %w = ge.Const "nibbles" #weights.file<"externalize_weights.mlir", 3 + 2> : tensor<4xi4>
      ge.NetOutput "else_out"(input0 = %w) : (tensor<4xi4>)
    }
  }
  ge.NetOutput "Node_Output"(input0 = %f, input1 = %g, input2 = %d, input3 = %c, input4 = %e, input5 = %s, input6 = %y) : (tensor<4xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<4xf16>, tensor<0xf32>, tensor<1x!onnx.string>, tensor<4xi8>)
}

// The names stay, and so does the place; the digest is of a sample of the bytes.
// CHECK:      %f = ge.FileConstant "file" #weights.file<"externalize_weights.mlir", 8 + 16> {_ascend_opt_reference = "/{{.*}}/externalize_weights.mlir", _ascend_opt_sample_sha256 = "[[SAMPLE:[0-9a-f]+]]", location = "externalize_weights.mlir", offset = 8 : i64, length = 16 : i64, dtype = f32, shape = array<i64: 4>, original_shape = array<i64: 4>}
// CHECK-NEXT: %g = ge.FileConstant "again" {{.*}}_ascend_opt_sample_sha256 = "[[SAMPLE]]"{{.*}}shape = array<i64: 2, 2>
// CHECK-NEXT: ge.Const "dense"
// CHECK-NEXT: ge.Const "cast"
// CHECK-NEXT: ge.Const "empty"
// CHECK-NEXT: ge.Const "strings"
// CHECK:      ge.FileConstant "inner" {{.*}}offset = 3 : i64, length = 4 : i64, dtype = i8
// CHECK:      ge.FileConstant "nibbles" {{.*}}offset = 3 : i64, length = 2 : i64, dtype = i4
