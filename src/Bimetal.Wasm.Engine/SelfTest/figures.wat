;; The guest that the runtime's own costs are measured with. Rebuild figures.wasm beside it with: wat2wasm figures.wat -o figures.wasm
(module
  (import "host" "copy_header" (func $copy_header (param i32 i32 i32 i32) (result i32)))
  (import "host" "get_header" (func $get_header (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16 64)
  (table 8 funcref)
  (elem (i32.const 0) $allocate)
  (global $counter (mut i32) (i32.const 0))
  (data (i32.const 64) "user-agent")

  (func (export "empty"))
  (func $allocate (export "allocate") (param i32) (result i32) (i32.const 1024))

  ;; So many host calls: the value goes to an address of the guest's own …
  (func (export "copy_headers") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (call $copy_header (i32.const 64) (i32.const 10) (i32.const 1024) (i32.const 512))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  ;; … or to where the guest's allocator says, as proxy-wasm wants it.
  (func (export "get_headers") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (call $get_header (i32.const 64) (i32.const 10) (i32.const 128) (i32.const 132))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))

  ;; One byte in each of so many pages of 4 KiB.
  (func (export "dirty") (param i32)
    (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
    (loop $again
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (i32.store8 (i32.mul (local.get 0) (i32.const 4096)) (i32.const 255))
      (br_if $again (local.get 0)))))
