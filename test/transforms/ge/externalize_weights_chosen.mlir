// RUN: ascend-opt %s -p 'ge-externalize-weights{threshold=16}' | filecheck %s --check-prefix=LARGE
// RUN: ascend-opt %s -p 'ge-externalize-weights{include="fc*" exclude="*bias"}' | filecheck %s --check-prefix=NAMED

// Which constants leave the model, beyond what ATC offers.

ge.graph "net" {
  %a = ge.Const "fc.weight" dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = ge.Const "fc.bias" dense<[1.0, 2.0, 3.0, 5.0]> : tensor<4xf32>
  %c = ge.Const "conv" dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  ge.NetOutput "Node_Output"(input0 = %a, input1 = %b, input2 = %c) : (tensor<4xf32>, tensor<4xf32>, tensor<3xf32>)
}

// LARGE: ge.FileConstant "fc.weight_
// LARGE-NEXT: ge.FileConstant "fc.bias_
// LARGE-NEXT: ge.Const "conv"

// NAMED: ge.FileConstant "fc.weight_
// NAMED-NEXT: ge.Const "fc.bias"
// NAMED-NEXT: ge.Const "conv"
