// RUN: ascend-opt %s --split-input-file --verify-diagnostics | filecheck %s

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.Data "x" : tensor<1xf32>
}
// CHECK: ge.graph 'g': two nodes are called 'x'

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "Relu" "r"(features = %a) : (tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.op 'r': has no input 'features' (inputs: x)

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "Add" "sum"(x1 = %a) : (tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.op 'sum': input 'x2' is not connected

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "Add" "sum"(x2 = %a, x1 = %a) : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.op 'sum': input 'x1' is out of order

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "ConcatD" "c"(x0 = %a) : (tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.op 'c': attribute 'concat_dim' is missing

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "ConcatD" "c"(x0 = %a) {concat_dim = "one"} : (tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.op 'c': attribute 'concat_dim' must be Int, not "one"

// -----

ge.graph "g" {
  %a = ge.Const "w" "bytes" : tensor<1xf32>
}
// CHECK: ge.Const 'w': holds a weight or small dense values, not "bytes"

// -----

"ge.graph"() <{sym_name = "g"}> ({
  %b = "ge.op"(%a) <{op_type = "Relu", node_name = "r", ports = ["x"]}> : (tensor<1xf32>) -> tensor<1xf32>
  %a = "ge.Data"() <{node_name = "x"}> : () -> tensor<1xf32>
}) : () -> ()
// CHECK: ge.graph 'g': ge.op 'r' uses a value before its definition

// -----

ge.graph "g" {
  %a = ge.Data "x" : tensor<1xf32>
  %b = ge.op "Relu" "r"(x = %a) after ["late"] : (tensor<1xf32>) -> tensor<1xf32>
  %c = ge.op "Relu" "late"(x = %a) : (tensor<1xf32>) -> tensor<1xf32>
}
// CHECK: ge.graph 'g': ge.op 'r' waits for 'late', no node before it

// -----

ge.bundle {
  ge.graph "g" {
  }
  ge.graph "g" {
  }
}
// CHECK: ge.bundle: two graphs are called 'g'

// -----

ge.graph "g" {
  %a = ge.FileConstant "f" #weights.file<"w", 0 + 4> {location = "weight_1", length = 4 : i64} : tensor<1xf32>
}
// CHECK: ge.FileConstant 'f': needs the attributes location, offset, length

// -----

ge.graph "g" attributes {refreshable = [#ge.refreshable<"w", "w_1", "bytes" as tensor<1xf32>>]} {
}
// CHECK: 'w_1' begins with a weight, not "bytes"

// -----

ge.graph "g" {
  %x = ge.Data "x" : tensor<4xf16>
  %y = ge.fused "Abs" "f"(x = %x) : (tensor<4xf16>) -> tensor<4xf16> {
    ge.graph "f" {
      %a = ge.Data "f/input0" {index = 0 : i64} : tensor<5xf16>
      ge.NetOutput "f/NetOutput"(input0 = %a) : (tensor<5xf16>)
    }
  }
}
// CHECK: ge.fused 'f': has other inputs than its graph

// -----

ge.graph "g" {
  %x = ge.Data "x" : tensor<4xf16>
  %y = ge.fused "Abs" "f"(x = %x) : (tensor<4xf16>) -> tensor<5xf16> {
    ge.graph "f" {
      %a = ge.Data "f/input0" {index = 0 : i64} : tensor<4xf16>
      ge.NetOutput "f/NetOutput"(input0 = %a) : (tensor<4xf16>)
    }
  }
}
// CHECK: ge.fused 'f': has other results than its graph

// -----

ge.graph "g" {
  %y = ge.fused "Abs" "f" : tensor<5xf16>
}
// CHECK: ge.fused 'f': holds the one graph that it stands for
