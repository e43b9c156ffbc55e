// RUN: ascend-opt %s -p davinci-verify-memory --split-input-file --verify-diagnostics | filecheck %s

// The last tile is shorter: its minimum keeps it in the tensor.
// CHECK: davinci.kernel @good
davinci.kernel @good {block_dim = 2, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<100xf16, #davinci.space<gm>>) {
  %block = davinci.block_idx
  affine.for %i = %block to 4 step 2 {
    %n = affine.min affine_map<(d0) -> (100 - d0 * 32, 32)>(%i)
    %first = affine.apply affine_map<(d0) -> (d0 * 32)>(%i)
    %a = davinci.alloc {buffers = 2, addresses = array<i64: 0, 64>} : memref<32xf16, #davinci.space<ub>>
    davinci.load %a[0 : 1], %x[%first : 1] sizes [%n] : memref<32xf16, #davinci.space<ub>>, memref<100xf16, #davinci.space<gm>>
  }
}

// -----
// CHECK: kernel beyond: davinci.load reaches 0 to 127 of x, which has 100
davinci.kernel @beyond {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<100xf16, #davinci.space<gm>>) {
  affine.for %i = 0 to 4 {
    %first = affine.apply affine_map<(d0) -> (d0 * 32)>(%i)
    %a = davinci.alloc {buffers = 2, addresses = array<i64: 0, 64>} : memref<32xf16, #davinci.space<ub>>
    davinci.load %a[0 : 1], %x[%first : 1] sizes [32] : memref<32xf16, #davinci.space<ub>>, memref<100xf16, #davinci.space<gm>>
  }
}

// -----
// CHECK: kernel small: davinci.load reaches 0 to 31 of a, which has 31
davinci.kernel @small {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<100xf16, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 0>} : memref<31xf16, #davinci.space<ub>>
  davinci.load %a[0 : 1], %x[0 : 1] sizes [32] : memref<31xf16, #davinci.space<ub>>, memref<100xf16, #davinci.space<gm>>
}

// -----
// CHECK: kernel crooked: buffer a at 16 is not aligned to 32
davinci.kernel @crooked {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 16>} : memref<64xf16, #davinci.space<ub>>
}

// -----
// CHECK: kernel full: buffer a at 196608 is outside of ub
davinci.kernel @full {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  %a = davinci.alloc {buffers = 1, addresses = array<i64: 196608>} : memref<64xf16, #davinci.space<ub>>
}

// -----
// CHECK: kernel unplanned: buffer a has no address: plan memory first
davinci.kernel @unplanned {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {
  %a = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
}
