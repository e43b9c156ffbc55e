// RUN: ascend-opt %s -p davinci-multi-buffer | filecheck %s

// What one pipe fills and another reads in a loop gets two slots; what one pipe keeps to itself,
// or is outside of loops, one; where a memory is too small the largest buffers go without.

// CHECK: %once = davinci.alloc {buffers = 1 : i64}
// CHECK: %handed = davinci.alloc {buffers = 2 : i64}
// CHECK: %kept = davinci.alloc {buffers = 1 : i64}
// CHECK: %given = davinci.alloc {buffers = 3 : i64}
davinci.kernel @roomy {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<99999xf16, #davinci.space<gm>>) {
  %once = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
  davinci.load %once[0 : 1], %x[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<99999xf16, #davinci.space<gm>>
  affine.for %i = 0 to 3 {
    %handed = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
    davinci.load %handed[0 : 1], %x[%i : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<99999xf16, #davinci.space<gm>>
    %kept = davinci.alloc {buffers = 1} : memref<64xf16, #davinci.space<ub>>
    davinci.binary add %kept[0 : 1], %handed[0 : 1], %once[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
    %given = davinci.alloc {buffers = 3} : memref<64xf16, #davinci.space<ub>>
    davinci.unary relu %given[0 : 1], %kept[0 : 1] sizes [64] : memref<64xf16, #davinci.space<ub>>, memref<64xf16, #davinci.space<ub>>
    davinci.store %x[%i : 1], %given[0 : 1] sizes [64] : memref<99999xf16, #davinci.space<gm>>, memref<64xf16, #davinci.space<ub>>
  }
}

// CHECK: %large = davinci.alloc {buffers = 1 : i64}
// CHECK: %small = davinci.alloc {buffers = 2 : i64}
davinci.kernel @full {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<99999xf16, #davinci.space<gm>>) {
  affine.for %i = 0 to 3 {
    %large = davinci.alloc {buffers = 1} : memref<50000xf16, #davinci.space<ub>>
    davinci.load %large[0 : 1], %x[%i : 1] sizes [64] : memref<50000xf16, #davinci.space<ub>>, memref<99999xf16, #davinci.space<gm>>
    %small = davinci.alloc {buffers = 1} : memref<20000xf16, #davinci.space<ub>>
    davinci.unary relu %small[0 : 1], %large[0 : 1] sizes [64] : memref<20000xf16, #davinci.space<ub>>, memref<50000xf16, #davinci.space<ub>>
    davinci.store %x[%i : 1], %small[0 : 1] sizes [64] : memref<99999xf16, #davinci.space<gm>>, memref<20000xf16, #davinci.space<ub>>
  }
}
