// RUN: ascend-opt %s -p davinci-inject-sync | filecheck %s

// Two loads share one forward flag, set after the last and awaited before the first use; slots
// have ids of their own; reverse flags are raised at the beginning and cleared at the end.

// CHECK:      davinci.kernel
// CHECK-NEXT:   davinci.set_flag V -> MTE2 [7]
// CHECK-NEXT:   davinci.set_flag V -> MTE2 [6]
// CHECK-NEXT:   davinci.set_flag MTE3 -> V [7]
// CHECK-NEXT:   affine.for
// CHECK:          %a = davinci.alloc
// CHECK-NEXT:     davinci.wait_flag V -> MTE2 [7, 6] of %a
// CHECK-NEXT:     davinci.load %a
// CHECK-NEXT:     %b = davinci.alloc
// CHECK-NEXT:     davinci.load %b
// CHECK-NEXT:     davinci.set_flag MTE2 -> V [0, 1] of %b
// CHECK-NEXT:     %c = davinci.alloc
// CHECK-NEXT:     davinci.wait_flag MTE2 -> V [0, 1] of %a
// CHECK-NEXT:     davinci.wait_flag MTE3 -> V [7] of %c
// CHECK-NEXT:     affine.for
// CHECK-NEXT:       davinci.binary add
// CHECK-NEXT:     }
// CHECK-NEXT:     davinci.set_flag V -> MTE3 [0] of %c
// CHECK-NEXT:     davinci.set_flag V -> MTE2 [7, 6] of %b
// CHECK-NEXT:     davinci.wait_flag V -> MTE3 [0] of %c
// CHECK-NEXT:     davinci.store
// CHECK-NEXT:     davinci.set_flag MTE3 -> V [7] of %c
// CHECK-NEXT:   }
// CHECK-NEXT:   davinci.wait_flag V -> MTE2 [7]
// CHECK-NEXT:   davinci.wait_flag V -> MTE2 [6]
// CHECK-NEXT:   davinci.wait_flag MTE3 -> V [7]
// CHECK-NEXT: }
davinci.kernel @te_add_0__kernel0 {block_dim = 1, core_type = "AIV", op_type = "Add", soc = "Ascend910B4"} (%x : memref<512xf16, #davinci.space<gm>>, %y : memref<512xf16, #davinci.space<gm>>) {
  affine.for %i = 0 to 512 step 64 {
    %a = davinci.alloc {buffers = 2} : memref<64xf16, #davinci.space<ub>>
    davinci.load %a[0 : 1], %x[%i : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<512xf16, #davinci.space<gm>>
    %b = davinci.alloc {buffers = 2} : memref<64xf16, #davinci.space<ub>>
    davinci.load %b[0 : 1], %x[%i : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<512xf16, #davinci.space<gm>>
    %c = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
    affine.for %j = 0 to 2 {
      davinci.binary add %c[0 : 1], %a[0 : 1], %b[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
    }
    davinci.store %y[%i : 1], %c[0 : 1] sizes [64] : memref<512xf16, #davinci.space<gm>>, memref<64xf16, #davinci.space<ub>>
  }
}
