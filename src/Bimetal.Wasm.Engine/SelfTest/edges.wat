;; Accesses at the greatest index and offset. Rebuild edges.wasm beside it with: wat2wasm edges.wat -o edges.wasm
(module
  (memory (export "memory") 1)
  (func (export "vector_load") (param i32) (result i32) (i32x4.extract_lane 0 (v128.load offset=0xffffffff (local.get 0))))
  (func (export "vector_store") (param i32) (v128.store offset=0xffffffff (local.get 0) (v128.const i32x4 -1 -1 -1 -1)))
  (func (export "load") (param i32) (result i64) (i64.load offset=0xffffffff (local.get 0)))
  (func (export "store") (param i32) (i64.store offset=0xffffffff (local.get 0) (i64.const -1)))
  (func (export "last_load") (param i32) (result i32) (i32x4.extract_lane 3 (v128.load (local.get 0))))
  (func (export "last_store") (param i32) (v128.store (local.get 0) (v128.const i32x4 7 7 7 7))))
