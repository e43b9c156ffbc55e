// RUN: ascend-opt %s -p 'ge-set-shape-ranges{ranges="a:0~8,3~3"}' | filecheck %s

// CHECK: ge.Data "a" {index = 0 : i64, shape_range = array<i64: 0, 8, 3, 3>} : tensor<?x3xf32>
// CHECK-NEXT: ge.Data "b" {index = 1 : i64} : tensor<?x3xf32>
ge.graph "g" {
  %a = ge.Data "a" {index = 0 : i64} : tensor<?x3xf32>
  %b = ge.Data "b" {index = 1 : i64} : tensor<?x3xf32>
  %y = ge.op "Add" "s"(x1 = %a, x2 = %b) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  ge.NetOutput "out"(input0 = %y) : (tensor<?x3xf32>)
}
