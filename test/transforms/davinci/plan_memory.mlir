// RUN: ascend-opt %s -p davinci-plan-memory | filecheck %s

// Slots lie side by side; each memory has its own addresses; what one pipe alone has finished
// with is reused (%done by %later), what several pipes share is not.

// CHECK: %big = davinci.alloc {buffers = 2 : i64, addresses = array<i64: 0, 65536>} : memref<32768xf16, #davinci.space<ub>>
// CHECK: %done = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 131072>} : memref<20000xf16, #davinci.space<ub>>
// CHECK: %later = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 131072>} : memref<20000xf16, #davinci.space<ub>>
// CHECK: %odd = davinci.alloc {buffers = 2 : i64, addresses = array<i64: 171072, 171104>} : memref<5xf16, #davinci.space<ub>>
// CHECK: %packet = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 0>} : memref<16x16xf16, #davinci.layout<nz>, #davinci.space<l1>>
davinci.kernel @te_relu_0__kernel0 {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<99999xf16, #davinci.space<gm>>) {
  affine.for %i = 0 to 3 {
    %big = davinci.alloc {buffers = 2} : memref<32768xf16, #davinci.space<ub>>
    davinci.load %big[0 : 1], %x[%i : 1] sizes [5] : memref<32768xf16, #davinci.space<ub>>, memref<99999xf16, #davinci.space<gm>>
    %done = davinci.alloc {buffers = 1} : memref<20000xf16, #davinci.space<ub>>
    davinci.unary relu %done[0 : 1], %big[0 : 1] sizes [5] : memref<20000xf16, #davinci.space<ub>>, memref<32768xf16, #davinci.space<ub>>
    davinci.unary exp %done[0 : 1], %done[0 : 1] sizes [5] : memref<20000xf16, #davinci.space<ub>>, memref<20000xf16, #davinci.space<ub>>
    %later = davinci.alloc {buffers = 1} : memref<20000xf16, #davinci.space<ub>>
    davinci.unary exp %later[0 : 1], %big[0 : 1] sizes [5] : memref<20000xf16, #davinci.space<ub>>, memref<32768xf16, #davinci.space<ub>>
    %odd = davinci.alloc {buffers = 2} : memref<5xf16, #davinci.space<ub>>
    davinci.unary exp %odd[0 : 1], %later[0 : 1] sizes [5] : memref<5xf16, #davinci.space<ub>>, memref<20000xf16, #davinci.space<ub>>
    davinci.store %x[%i : 1], %odd[0 : 1] sizes [5] : memref<99999xf16, #davinci.space<gm>>, memref<5xf16, #davinci.space<ub>>
    %packet = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<nz>, #davinci.space<l1>>
  }
}
