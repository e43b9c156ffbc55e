// RUN: ascend-opt %s | ascend-opt | ascend-opt | filecheck %s

// Text of any script, which xDSL prints as the bytes of its UTF-8 form, is text when it is read.
// CHECK: ge.graph "\E5\9B\BE" {
ge.graph "图" {
  // CHECK-NEXT: %x = ge.Data "x/\C3\BC" {"\C3\BC" = "\C3\BC"} : tensor<4xf32>
  %x = ge.Data "x/ü" {"ü" = "ü"} : tensor<4xf32>
  // CHECK-NEXT: %c = ge.Const "c" #weights.strings<["\C3\BC", "\FF"]> : tensor<2x!ge.dtype<"STRING">>
  %c = ge.Const "c" #weights.strings<["ü", "\FF"]> : tensor<2x!ge.dtype<"STRING">>
}
