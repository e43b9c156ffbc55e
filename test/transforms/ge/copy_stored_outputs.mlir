// RUN: ascend-opt %s -p ge-copy-stored-outputs | filecheck %s

ge.graph "net" {
  %x = ge.Data "x" {index = 0 : i64} : tensor<3xf32>
  %c = ge.Const "c" #weights.file<"m.weights", 0 + 12> : tensor<3xf32>
  %v = ge.Variable "v" : tensor<3xf32>
  %y = ge.op "Add" "sum"(x1 = %x, x2 = %c) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  ge.NetOutput "Node_Output"(input0 = %y, input1 = %c, input2 = %v, input3 = %c) : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
}

// CHECK:      "sum"(x1 = %x, x2 = %c)
// CHECK-NEXT: [[C:%.+]] = ge.op "TensorMove" "c_output"(x = %c)
// CHECK-NEXT: [[V:%.+]] = ge.op "TensorMove" "v_output"(x = %v)
// CHECK-NEXT: ge.NetOutput "Node_Output"(input0 = %y, input1 = [[C]], input2 = [[V]], input3 = [[C]])
