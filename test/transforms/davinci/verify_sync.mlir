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

// -----
// One flag for a use and what is computed of it; the second orders nothing more.
// CHECK: kernel twice: #1 set_flag: flag MTE2 -> V 0 is redundant
davinci.kernel @twice {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<64xf16, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
  davinci.load %a[0 : 1], %x[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<gm>>
  davinci.set_flag MTE2 -> V [0]
  davinci.set_flag MTE2 -> V [1]
  davinci.wait_flag MTE2 -> V [0]
  davinci.wait_flag MTE2 -> V [1]
  davinci.unary relu %a[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
}

// -----
// CHECK: kernel unbalanced: each iteration of the loop over %i raises one more flag MTE2 -> V 0
davinci.kernel @unbalanced {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  affine.for %i = 0 to 4 {
    davinci.set_flag MTE2 -> V [0]
  }
}

// -----
// CHECK: kernel unfreed: #0 load %a, %x overwrites what #3 unary %a, %a reads, without a flag
davinci.kernel @unfreed {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<64xf16, #davinci.space<gm>>) {
  affine.for %i = 0 to 4 {
    %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
    davinci.load %a[0 : 1], %x[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<gm>>
    davinci.set_flag MTE2 -> V [0]
    davinci.wait_flag MTE2 -> V [0]
    davinci.unary relu %a[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
  }
}

// -----
// A kernel that reads what it has written to global memory needs a flag as well.
// CHECK: kernel workspace: #1 load %a, %w reads what #0 store %w, %a writes, without a flag
davinci.kernel @workspace {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%w : memref<64xf16, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
  davinci.store %w[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<gm>>, memref<64xf16, #davinci.space<ub>>
  davinci.load %a[0 : 1], %w[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<gm>>
}

// -----
// CHECK: kernel lost: #2 unary %a, %a reads what another buffer has overwritten
davinci.kernel @lost {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<64xf16, #davinci.space<ub>>
  %b = davinci.alloc {buffers = 1, addresses = array<i64: 64>} : memref<64xf16, #davinci.space<ub>>
  davinci.dup %a[0 : 1] sizes [64] {value = 1.0 : f32} : memref<64xf16, #davinci.space<ub>>
  davinci.dup %b[0 : 1] sizes [64] {value = 2.0 : f32} : memref<64xf16, #davinci.space<ub>>
  davinci.unary relu %a[0 : 1], %a[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
}
