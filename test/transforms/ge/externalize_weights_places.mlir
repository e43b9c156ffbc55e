// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=2}' | filecheck %s
// RUN: ascend-opt %s -p 'ge-externalize-weights{mode=1}' | filecheck %s --check-prefix=EACH

// In a combined file each weight begins at a multiple of 512 bytes, in the byte order of the names:
// "B" < "a" < "w10" < "w2" < "w3" < "é". What is equal is there once, at its first place.

ge.graph "net" {
  %0 = ge.Const "é" dense<4> : tensor<3xi8>
  %1 = ge.Const "w2" dense<1> : tensor<512xi8>
  %2 = ge.Const "w10" dense<2> : tensor<511xi8>
  %3 = ge.Const "w3" dense<2> : tensor<511xi8>
  %4 = ge.Const "a" dense<3> : tensor<513xi8>
  %5 = ge.Const "B" dense<5> : tensor<1xi8>
  %6 = ge.Const "twice" dense<2> : tensor<1x511xi8>
  %7 = ge.Const "tail" dense<6> : tensor<1024xi8>
  ge.NetOutput "Node_Output"(input0 = %0, input1 = %1, input2 = %2, input3 = %3, input4 = %4, input5 = %5, input6 = %6, input7 = %7) : (tensor<3xi8>, tensor<512xi8>, tensor<511xi8>, tensor<511xi8>, tensor<513xi8>, tensor<1xi8>, tensor<1x511xi8>, tensor<1024xi8>)
}

// CHECK:      "\C3\A9_{{.*}}offset = 3584 : i64, length = 3 : i64
// CHECK-NEXT: "w2_{{.*}}offset = 3072 : i64, length = 512 : i64
// CHECK-NEXT: "w10_{{.*}}offset = 2560 : i64, length = 511 : i64
// CHECK-NEXT: "w3_{{.*}}offset = 2560 : i64, length = 511 : i64
// CHECK-NEXT: "a_{{.*}}offset = 512 : i64, length = 513 : i64
// CHECK-NEXT: "B_{{.*}}offset = 0 : i64, length = 1 : i64
// CHECK-NEXT: "twice_{{.*}}offset = 2560 : i64, length = 511 : i64
// CHECK-NEXT: "tail_{{.*}}offset = 1536 : i64, length = 1024 : i64

// EACH-COUNT-8: offset = 0 : i64
