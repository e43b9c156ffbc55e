// RUN: ascend-opt %s -p davinci-verify-sync --split-input-file --verify-diagnostics | filecheck %s

// A kernel whose flags order everything passes unchanged.
// CHECK: davinci.kernel @good
davinci.kernel @good {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<64xf16, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
  davinci.load %a[0 : 1], %x[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<gm>>
  davinci.set_flag MTE2 -> V [0]
  davinci.wait_flag MTE2 -> V [0]
  davinci.unary relu %a[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
}

// -----
// CHECK: kernel race: #1 unary %a, %a reads what #0 load %a, %x writes, without a flag
davinci.kernel @race {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<64xf16, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
  davinci.load %a[0 : 1], %x[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<gm>>
  davinci.unary relu %a[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
}

// -----
// CHECK: kernel deadlock: #0 wait_flag waits for flag MTE2 -> V 0, which nobody raises
davinci.kernel @deadlock {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  davinci.wait_flag MTE2 -> V [0]
}

// -----
// CHECK: kernel unplanned: buffer a has no address: plan memory first
davinci.kernel @unplanned {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  %a = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
}
