// RUN: ascend-opt %s | filecheck %s
// RUN: ascend-opt %s --print-op-generic | ascend-opt | filecheck %s

// A product: format change into L1, L0 in its fractal layouts, L0C out again.

// CHECK:      davinci.kernel @te_matmulv2_0__kernel0 {block_dim = 2 : i64, core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"}(%a: memref<32x64xf16, #davinci.space<gm>>, %b: memref<64x16xf16, #davinci.space<gm>>, %bias: memref<16xf16, #davinci.space<gm>>, %c: memref<32x16xf16, #davinci.space<gm>>) {
davinci.kernel @te_matmulv2_0__kernel0 {block_dim = 2, core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : memref<32x64xf16, #davinci.space<gm>>, %b : memref<64x16xf16, #davinci.space<gm>>, %bias : memref<16xf16, #davinci.space<gm>>, %c : memref<32x16xf16, #davinci.space<gm>>) {
  // CHECK-NEXT: %block = davinci.block_idx
  %block = davinci.block_idx
  // CHECK-NEXT: %row = affine.apply
  %row = affine.apply affine_map<(d0) -> (d0 * 1024)> (%block)
  // CHECK-NEXT: %al1 = davinci.alloc {buffers = 2 : i64, addresses = array<i64: 0, 2048>} : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  %al1 = davinci.alloc {buffers = 2, addresses = array<i64: 0, 2048>} : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  // CHECK-NEXT: %bl1 = davinci.alloc {buffers = 1 : i64} : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  %bl1 = davinci.alloc {buffers = 1} : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  %s = davinci.alloc {buffers = 1} : memref<16xf16, #davinci.space<l1>>
  %t = davinci.alloc {buffers = 1} : memref<16xf32, #davinci.space<bt>>
  %al0 = davinci.alloc {buffers = 1} : memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>
  %bl0 = davinci.alloc {buffers = 1} : memref<16x64xf16, #davinci.layout<zn>, #davinci.space<l0b>>
  %cl0 = davinci.alloc {buffers = 1} : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
  // CHECK: davinci.nd2nz %al1[0, 0], %a[%row : 64, 1] sizes [16, 64] : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>, memref<32x64xf16, #davinci.space<gm>>
  davinci.nd2nz %al1[0, 0], %a[%row : 64, 1] sizes [16, 64] : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>, memref<32x64xf16, #davinci.space<gm>>
  // CHECK-NEXT: davinci.dn2nz %bl1[0, 0], %b[0 : 1, 16] sizes [16, 64]
  davinci.dn2nz %bl1[0, 0], %b[0 : 1, 16] sizes [16, 64] : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>, memref<64x16xf16, #davinci.space<gm>>
  // CHECK-NEXT: davinci.load %s[0 : 1], %bias[0 : 1] sizes [16]
  davinci.load %s[0 : 1], %bias[0 : 1] sizes [16] : memref<16xf16, #davinci.space<l1>>, memref<16xf16, #davinci.space<gm>>
  // CHECK-NEXT: davinci.set_flag MTE2 -> MTE1 [0, 1] of %al1 : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  davinci.set_flag MTE2 -> MTE1 [0, 1] of %al1 : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  // CHECK-NEXT: davinci.wait_flag MTE2 -> MTE1 [0, 1] of %al1
  davinci.wait_flag MTE2 -> MTE1 [0, 1] of %al1 : memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  // CHECK-NEXT: davinci.load_bt %t[0 : 1], %s[0 : 1] sizes [16]
  davinci.load_bt %t[0 : 1], %s[0 : 1] sizes [16] : memref<16xf32, #davinci.space<bt>>, memref<16xf16, #davinci.space<l1>>
  // CHECK-NEXT: davinci.load_l0 %al0[0, 0], %al1[0, 0] sizes [16, 64]
  davinci.load_l0 %al0[0, 0], %al1[0, 0] sizes [16, 64] : memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  davinci.load_l0 %bl0[0, 0], %bl1[0, 0] sizes [16, 64] : memref<16x64xf16, #davinci.layout<zn>, #davinci.space<l0b>>, memref<16x64xf16, #davinci.layout<nz>, #davinci.space<l1>>
  davinci.set_flag MTE1 -> M [0]
  // CHECK: davinci.wait_flag MTE1 -> M [0]{{$}}
  davinci.wait_flag MTE1 -> M [0]
  // CHECK-NEXT: davinci.mmad %cl0[0, 0], %al0[0, 0], %bl0[0, 0], %t[0 : 0, 0, 1] sizes [16, 64, 16] accumulate = 0
  davinci.mmad %cl0[0, 0], %al0[0, 0], %bl0[0, 0], %t[0 : 0, 0, 1] sizes [16, 64, 16] accumulate = 0 : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x64xf16, #davinci.layout<zn>, #davinci.space<l0b>>, memref<16xf32, #davinci.space<bt>>
  // CHECK-NEXT: davinci.mmad %cl0[0, 0], %al0[0, 0], %bl0[0, 0] sizes [16, 64, 16] accumulate = %block
  davinci.mmad %cl0[0, 0], %al0[0, 0], %bl0[0, 0] sizes [16, 64, 16] accumulate = %block : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x64xf16, #davinci.layout<zn>, #davinci.space<l0b>>
  // CHECK-NEXT: davinci.fixpipe %c[%row : 16, 1], %cl0[0, 0] sizes [16, 16] {relu}
  davinci.fixpipe %c[%row : 16, 1], %cl0[0, 0] sizes [16, 16] {relu} : memref<32x16xf16, #davinci.space<gm>>, memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
}

// Without a bias table a bias is in L0C before the first product.
// CHECK: davinci.kernel @te_matmulv2_1__kernel0
davinci.kernel @te_matmulv2_1__kernel0 {block_dim = 1, core_type = "AIC", op_type = "MatMulV2", soc = "Ascend310P3"} () {
  %u = davinci.alloc {buffers = 1} : memref<16xf16, #davinci.space<ub>>
  %c = davinci.alloc {buffers = 1} : memref<32x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
  // CHECK: davinci.broadcast_l0c %c[0, 0], %u[0 : 0, 1] sizes [32, 16] : memref<32x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16xf16, #davinci.space<ub>>
  davinci.broadcast_l0c %c[0, 0], %u[0 : 0, 1] sizes [32, 16] : memref<32x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16xf16, #davinci.space<ub>>
}

// CHECK: davinci.kernel @te_conv2d_0__kernel0
davinci.kernel @te_conv2d_0__kernel0 {block_dim = 1, core_type = "AIC", op_type = "Conv2D", soc = "Ascend910B4"} (%x : memref<1x16x8x8xf16, #davinci.space<gm>>) {
  %f = davinci.alloc {buffers = 1} : memref<1x8x8x16xf16, #davinci.layout<nc1hwc0>, #davinci.space<l1>>
  %m = davinci.alloc {buffers = 1} : memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>
  // CHECK: davinci.load_l0_img2col %m[0, 0], %f[0, 16] sizes [16, 64] height = 8 top = 1 {kernel = array<i64: 3, 3>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, padding = array<i64: 1, 1>}
  davinci.load_l0_img2col %m[0, 0], %f[0, 16] sizes [16, 64] height = 8 top = 1 {kernel = array<i64: 3, 3>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, padding = array<i64: 1, 1>} : memref<16x64xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<1x8x8x16xf16, #davinci.layout<nc1hwc0>, #davinci.space<l1>>
}

// CHECK: davinci.kernel @te_vector_0__kernel0
davinci.kernel @te_vector_0__kernel0 {block_dim = 4, core_type = "AIV", op_type = "Vector", soc = "Ascend910B4"} (%x : memref<4x100xf32, #davinci.space<gm>>, %y : memref<4x100xf32, #davinci.space<gm>>) {
  %block = davinci.block_idx
  // CHECK: affine.for %i = %block to 8 step 4 {
  affine.for %i = %block to 8 step 4 {
    %n = affine.min affine_map<(d0) -> (100 - d0, 64)> (%i)
    %u = davinci.alloc {buffers = 2} : memref<8x64xf32, #davinci.space<ub>>
    %v = davinci.alloc {buffers = 1} : memref<8x64xf32, #davinci.space<ub>>
    %h = davinci.alloc {buffers = 1} : memref<8x64xf16, #davinci.space<ub>>
    // CHECK: davinci.load %u[0 : 1], %x[%i : 1] sizes [%n] {pad = array<i64: 1, 2>, pad_value = 0.000000e+00 : f32}
    davinci.load %u[0 : 1], %x[%i : 1] sizes [%n] {pad = array<i64: 1, 2>, pad_value = 0.0 : f32} : memref<8x64xf32, #davinci.space<ub>>, memref<4x100xf32, #davinci.space<gm>>
    // CHECK-NEXT: davinci.pipe_barrier V
    davinci.pipe_barrier V
    // CHECK-NEXT: davinci.unary exp %v[0 : 64, 1], %u[0 : 64, 1] sizes [8, %n]
    davinci.unary exp %v[0 : 64, 1], %u[0 : 64, 1] sizes [8, %n] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.binary add %v[0 : 64, 1], %v[0 : 64, 1], %u[0 : 0, 1] sizes [8, 64]
    davinci.binary add %v[0 : 64, 1], %v[0 : 64, 1], %u[0 : 0, 1] sizes [8, 64] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.scalar muls %v[0 : 1], %v[0 : 1] sizes [512] {value = 2.000000e+00 : f32}
    davinci.scalar muls %v[0 : 1], %v[0 : 1] sizes [512] {value = 2.0 : f32} : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.reduce sum %u[0 : 1, 0], %v[0 : 64, 1] sizes [8, 64]
    davinci.reduce sum %u[0 : 1, 0], %v[0 : 64, 1] sizes [8, 64] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.brcb %v[0 : 8], %u[0 : 1] sizes [8]
    davinci.brcb %v[0 : 8], %u[0 : 1] sizes [8] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.cast %h[0 : 1], %v[0 : 1] sizes [512]
    davinci.cast %h[0 : 1], %v[0 : 1] sizes [512] : memref<8x64xf16, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.cast %v[0 : 1], %v[0 : 1] sizes [512] {mode = "floor"}
    davinci.cast %v[0 : 1], %v[0 : 1] sizes [512] {mode = "floor"} : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK: %index = davinci.alloc
    %index = davinci.alloc {buffers = 1} : memref<8xi64, #davinci.space<ub>>
    // CHECK-NEXT: davinci.load_rows %v[0 : 64, 1], %x[0 : 64, 1], %index[0 : 1, 0] sizes [8, 64] {heights = array<i64: 16>}
    davinci.load_rows %v[0 : 64, 1], %x[0 : 64, 1], %index[0 : 1, 0] sizes [8, 64] {heights = array<i64: 16>} : memref<8x64xf32, #davinci.space<ub>>, memref<4x100xf32, #davinci.space<gm>>, memref<8xi64, #davinci.space<ub>>
    // CHECK: %mask = davinci.alloc
    %mask = davinci.alloc {buffers = 1} : memref<8x256xui1, #davinci.space<ub>>
    // CHECK-NEXT: davinci.compare lt %mask[0 : 256, 1], %v[0 : 64, 1], %u[0 : 64, 1] sizes [8, 64]
    davinci.compare lt %mask[0 : 256, 1], %v[0 : 64, 1], %u[0 : 64, 1] sizes [8, 64] : memref<8x256xui1, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.select %v[0 : 64, 1], %mask[0 : 256, 1], %u[0 : 64, 1] sizes [8, 64] {value = 0.000000e+00 : f32}
    davinci.select %v[0 : 64, 1], %mask[0 : 256, 1], %u[0 : 64, 1] sizes [8, 64] {value = 0.0 : f32} : memref<8x64xf32, #davinci.space<ub>>, memref<8x256xui1, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.dup %v[0 : 1] sizes [512] {value = 1.000000e+00 : f32}
    davinci.dup %v[0 : 1] sizes [512] {value = 1.0 : f32} : memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.gather %v[0 : 1], %u[3 : 2] sizes [32]
    davinci.gather %v[0 : 1], %u[3 : 2] sizes [32] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.transpose %v[0 : 1, 8], %u[0 : 64, 1] sizes [8, 64]
    davinci.transpose %v[0 : 1, 8], %u[0 : 64, 1] sizes [8, 64] : memref<8x64xf32, #davinci.space<ub>>, memref<8x64xf32, #davinci.space<ub>>
    // CHECK-NEXT: davinci.store %y[%i : 1], %v[0 : 1] sizes [%n]
    davinci.store %y[%i : 1], %v[0 : 1] sizes [%n] : memref<4x100xf32, #davinci.space<gm>>, memref<8x64xf32, #davinci.space<ub>>
  }
}

// A mixed kernel: the cube core fills a workspace, each of its two vector cores takes a part.

// CHECK: davinci.kernel @te_mix_0__kernel0 {block_dim = 4 : i64, core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4", workspaces = 1 : i64}
davinci.kernel @te_mix_0__kernel0 {block_dim = 4, core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4", workspaces = 1} (%y : memref<32x16xf16, #davinci.space<gm>>, %w : memref<4x32x16xf16, #davinci.space<gm>>) {
  // CHECK-NEXT: davinci.function AIC {
  davinci.function AIC {
    %c = davinci.alloc {buffers = 1} : memref<32x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
    davinci.fixpipe %w[0 : 16, 1], %c[0, 0] sizes [32, 16] : memref<4x32x16xf16, #davinci.space<gm>>, memref<32x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
    // CHECK: davinci.cross_set FIX mode 2 flag 0
    davinci.cross_set FIX mode 2 flag 0
  }
  // CHECK: davinci.function AIV {
  davinci.function AIV {
    // CHECK-NEXT: davinci.cross_wait MTE2 mode 2 flag 0
    davinci.cross_wait MTE2 mode 2 flag 0
    // CHECK-NEXT: %sub = davinci.sub_block_idx
    %sub = davinci.sub_block_idx
    %first = affine.apply affine_map<(d0) -> (d0 * 256)> (%sub)
    %u = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.space<ub>>
    // CHECK: davinci.load %u[0 : 16, 1], %w[%first : 16, 1] sizes [16, 16]
    davinci.load %u[0 : 16, 1], %w[%first : 16, 1] sizes [16, 16] : memref<16x16xf16, #davinci.space<ub>>, memref<4x32x16xf16, #davinci.space<gm>>
  }
}

// The tile level: operators on tensors in destination-passing style.

// CHECK: davinci.kernel @te_tile_0__kernel0 {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"}(%a: tensor<32x64xf16>, %b: tensor<64x16xf16>, %y: tensor<32x16xf16>) {
davinci.kernel @te_tile_0__kernel0 {core_type = "AIC", op_type = "MatMulV2", soc = "Ascend910B4"} (%a : tensor<32x64xf16>, %b : tensor<64x16xf16>, %y : tensor<32x16xf16>) {
  // CHECK-NEXT: %e = davinci.empty : tensor<32x16xf16>
  %e = davinci.empty : tensor<32x16xf16>
  // CHECK-NEXT: %p = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%e) {transpose_x1 = false} tiles {m = 16 : i64, n = 16 : i64} : (tensor<32x64xf16>, tensor<64x16xf16>) -> tensor<32x16xf16>
  %p = davinci.tile "MatMulV2" ins(x1 = %a, x2 = %b) outs(%e) {transpose_x1 = false} tiles {m = 16, n = 16} : (tensor<32x64xf16>, tensor<64x16xf16>) -> tensor<32x16xf16>
  // CHECK-NEXT: %r = davinci.tile "ReduceSum" ins(x = %p) outs(%y) constants {axes = array<i64: 1>} numbers {x = 2.500000e+00 : f64} : (tensor<32x16xf16>) -> tensor<32x16xf16>
  %r = davinci.tile "ReduceSum" ins(x = %p) outs(%y) constants {axes = array<i64: 1>} numbers {x = 2.500000e+00 : f64} : (tensor<32x16xf16>) -> tensor<32x16xf16>
  // CHECK-NEXT: davinci.return %r : tensor<32x16xf16>
  davinci.return %r : tensor<32x16xf16>
}
