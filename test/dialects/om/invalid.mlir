// RUN: ascend-opt %s --split-input-file --verify-diagnostics | filecheck %s

om.model "m" ir_version 2 platform "" {
  om.event_record 0 stream 0
}
// CHECK: om.model 'm': has no graph

// -----

om.model "m" ir_version 2 platform "" {
  ge.graph "g" {
  }
  om.kernel "nowhere" : "TE" "k" stream 0 block_dim 1 args []
}
// CHECK: om.model 'm': a task runs 'nowhere', which is not in the graph

// -----

om.bundle var_size 0 {
  ge.graph "g" {
  }
}
// CHECK: om.bundle: holds om.model only
