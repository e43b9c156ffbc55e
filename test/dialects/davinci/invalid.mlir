// RUN: ascend-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// CHECK: core_type is AIC, AIV or MIX, not 'CUBE'
davinci.kernel @k {block_dim = 1, core_type = "CUBE", op_type = "Relu", soc = "Ascend910B4"} () {}

// -----
// CHECK: block_dim must be positive
davinci.kernel @k {block_dim = 0, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} () {}

// -----
// CHECK: arguments are buffers in global memory
davinci.kernel @k {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<8xf16, #davinci.space<ub>>) {}

// -----
// CHECK: a local buffer cannot be in global memory
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<gm>>

// -----
// CHECK: 1 addresses for 2 slots
%x = davinci.alloc {buffers = 2, addresses = array<i64: 0>} : memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: Expected `gm`, `l1`, `l0a`, `l0b`, `l0c`, `ub`, or `bt`
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<fb>>

// -----
// CHECK:      {{:[0-9]+:23$}}
// CHECK-NEXT: davinci.set_flag V -> FOO [0]
// CHECK:      Expected `S`, `V`, `M`, `MTE1`, `MTE2`, `MTE3`, or `FIX`
davinci.set_flag V -> FOO [0]

// -----
// CHECK: no pipe is called 'FOO'
"davinci.set_flag"() <{source = "FOO", destination = "V", events = array<i64: 0>}> : () -> ()

// -----
// CHECK: a flag is between two different pipes
davinci.set_flag V -> V [0]

// -----
// CHECK: event ids are 0 to 7, not [8]
davinci.wait_flag V -> MTE3 [8]

// -----
// CHECK: 1 event ids for 2 slots
%x = davinci.alloc {buffers = 2} : memref<8xf16, #davinci.space<ub>>
davinci.set_flag V -> MTE3 [0] of %x : memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: the scalar pipe waits for each instruction: nothing to drain
davinci.pipe_barrier S

// -----
// CHECK: a buffer is in l1 where ub is needed
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<l1>>
davinci.unary exp %x[0 : 1], %x[0 : 1] sizes [8] : memref<8xf16, #davinci.space<l1>>, memref<8xf16, #davinci.space<l1>>

// -----
// CHECK: there is no cosh (there are abs, exp
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
davinci.unary cosh %x[0 : 1], %x[0 : 1] sizes [8] : memref<8xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: a row-major access has one offset and a stride for each size
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
davinci.unary exp %x[0 : 8, 1], %x[0 : 1] sizes [8] : memref<8xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: a fractal access has a row and a column, and no strides
%x = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<nz>, #davinci.space<l1>>
%y = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>
davinci.load_l0 %y[0 : 16, 1], %x[0, 0] sizes [16, 16] : memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x16xf16, #davinci.layout<nz>, #davinci.space<l1>>

// -----
// CHECK: the layout in l0b is zn
%a = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>
%b = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0b>>
%c = davinci.alloc {buffers = 1} : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
davinci.mmad %c[0, 0], %a[0, 0], %b[0, 0] sizes [16, 16, 16] accumulate = 0 : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0b>>

// -----
// CHECK: has 2 sizes, 3 to 3 are allowed
%a = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>
%b = davinci.alloc {buffers = 1} : memref<16x16xf16, #davinci.layout<zn>, #davinci.space<l0b>>
%c = davinci.alloc {buffers = 1} : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>
davinci.mmad %c[0, 0], %a[0, 0], %b[0, 0] sizes [16, 16] accumulate = 0 : memref<16x16xf32, #davinci.layout<nz>, #davinci.space<l0c>>, memref<16x16xf16, #davinci.layout<zz>, #davinci.space<l0a>>, memref<16x16xf16, #davinci.layout<zn>, #davinci.space<l0b>>

// -----
// CHECK: the destination has no stride of 0: nothing is reduced
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
davinci.reduce sum %x[0 : 1], %x[0 : 1] sizes [8] : memref<8xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: a cast is between two element types
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
davinci.cast %x[0 : 1], %x[0 : 1] sizes [8] : memref<8xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: pad and pad_value go together
%x = davinci.alloc {buffers = 1} : memref<16xf16, #davinci.space<ub>>
davinci.kernel @k {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%g : memref<8xf16, #davinci.space<gm>>) {
  %u = davinci.alloc {buffers = 1} : memref<16xf16, #davinci.space<ub>>
  davinci.load %u[0 : 1], %g[0 : 1] sizes [8] {pad = array<i64: 1, 1>} : memref<16xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<gm>>
}

// -----
// CHECK: a mixed kernel holds a function for AIC and one for AIV
davinci.kernel @k {block_dim = 1, core_type = "MIX", op_type = "MatMulV2", soc = "Ascend910B4"} () {
  davinci.function AIC {}
}

// -----
// CHECK: a function is for AIC or AIV, not 'MIX'
davinci.function MIX {}

// -----
// CHECK: has more workspaces than arguments
davinci.kernel @k {block_dim = 1, core_type = "AIV", op_type = "Relu", soc = "Ascend910B4", workspaces = 1} () {}

// -----
// CHECK: flag ids are 0 to 10, not 11
davinci.cross_set FIX mode 2 flag 11

// -----
// CHECK: modes are 0 to 2, not 3
davinci.cross_wait MTE2 mode 3 flag 0

// -----
// CHECK: flags between cores are in no queue of a pipe 'S'
davinci.cross_wait S mode 2 flag 0

// -----
// CHECK: no conversion from i64 to f16
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
%y = davinci.alloc {buffers = 1} : memref<8xi64, #davinci.space<ub>>
davinci.cast %x[0 : 1], %y[0 : 1] sizes [8] : memref<8xf16, #davinci.space<ub>>, memref<8xi64, #davinci.space<ub>>

// -----
// CHECK: there is no rounding 'up'
%x = davinci.alloc {buffers = 1} : memref<8xf16, #davinci.space<ub>>
davinci.cast %x[0 : 1], %x[0 : 1] sizes [8] {mode = "up"} : memref<8xf16, #davinci.space<ub>>, memref<8xf16, #davinci.space<ub>>

// -----
// CHECK: the vector unit has no exp of i32
%x = davinci.alloc {buffers = 1} : memref<8xi32, #davinci.space<ub>>
davinci.unary exp %x[0 : 1], %x[0 : 1] sizes [8] : memref<8xi32, #davinci.space<ub>>, memref<8xi32, #davinci.space<ub>>

// -----
// CHECK: the vector unit does not compare i32 by lt
%m = davinci.alloc {buffers = 1} : memref<256xui1, #davinci.space<ub>>
%x = davinci.alloc {buffers = 1} : memref<8xi32, #davinci.space<ub>>
davinci.compare lt %m[0 : 1], %x[0 : 1] sizes [8] {value = 1 : i64} : memref<256xui1, #davinci.space<ub>>, memref<8xi32, #davinci.space<ub>>

// -----
// CHECK: a mask has elements of ui1, not i32
%x = davinci.alloc {buffers = 1} : memref<8xi32, #davinci.space<ub>>
davinci.compare eq %x[0 : 1], %x[0 : 1] sizes [8] {value = 1 : i64} : memref<8xi32, #davinci.space<ub>>, memref<8xi32, #davinci.space<ub>>

// -----
// CHECK: either a last source or a value
%m = davinci.alloc {buffers = 1} : memref<256xui1, #davinci.space<ub>>
%x = davinci.alloc {buffers = 1} : memref<8xi32, #davinci.space<ub>>
davinci.select %x[0 : 1], %m[0 : 1], %x[0 : 1] sizes [8] : memref<8xi32, #davinci.space<ub>>, memref<256xui1, #davinci.space<ub>>, memref<8xi32, #davinci.space<ub>>

// -----
// CHECK: elements of 2 or 4 bytes are selected
%m = davinci.alloc {buffers = 1} : memref<256xui1, #davinci.space<ub>>
%x = davinci.alloc {buffers = 1} : memref<8xi64, #davinci.space<ub>>
davinci.select %x[0 : 1], %m[0 : 1], %x[0 : 1] sizes [8] {value = 0 : i64} : memref<8xi64, #davinci.space<ub>>, memref<256xui1, #davinci.space<ub>>, memref<8xi64, #davinci.space<ub>>

// -----
// CHECK: arguments of a kernel at the tile level are tensors
davinci.kernel @k {core_type = "AIV", op_type = "Relu", soc = "Ascend910B4"} (%x : memref<8xf16, #davinci.space<gm>>) {
  %y = davinci.empty : tensor<8xf16>
  davinci.return %y : tensor<8xf16>
}

// -----
// CHECK: 1 inputs but 2 port names
%x = davinci.empty : tensor<8xf16>
%y = "davinci.tile"(%x, %x) <{op_type = "Relu", ports = ["x", "y"], operandSegmentSizes = array<i32: 1, 1>}> : (tensor<8xf16>, tensor<8xf16>) -> tensor<8xf16>

// -----
// CHECK: the results have other types than their destinations
%x = davinci.empty : tensor<8xf16>
%y = "davinci.tile"(%x, %x) <{op_type = "Relu", ports = ["x"], operandSegmentSizes = array<i32: 1, 1>}> : (tensor<8xf16>, tensor<8xf16>) -> tensor<4xf16>

// -----
// CHECK: tile sizes are positive integers
%x = davinci.empty : tensor<8xf16>
%y = davinci.tile "Relu" ins(x = %x) outs(%x) tiles {m = 0} : (tensor<8xf16>) -> tensor<8xf16>

// -----
// CHECK: indices are of i32 or i64, not f16
davinci.kernel @k {block_dim = 1, core_type = "AIV", op_type = "Gather", soc = "Ascend910B4"} (%g : memref<8x16xf16, #davinci.space<gm>>) {
  %u = davinci.alloc {buffers = 1} : memref<16xf16, #davinci.space<ub>>
  davinci.load_rows %u[0 : 16, 1], %g[0 : 16, 1], %u[0 : 1, 0] sizes [1, 16] {heights = array<i64: 8>} : memref<16xf16, #davinci.space<ub>>, memref<8x16xf16, #davinci.space<gm>>, memref<16xf16, #davinci.space<ub>>
}

// -----
// CHECK: high halves are i32 of i64, not f32 of i32
%x = davinci.alloc {buffers = 1} : memref<8xi32, #davinci.space<ub>>
%y = davinci.alloc {buffers = 1} : memref<8xf32, #davinci.space<ub>>
davinci.cast %y[0 : 1], %x[0 : 1] sizes [8] {mode = "high"} : memref<8xf32, #davinci.space<ub>>, memref<8xi32, #davinci.space<ub>>
