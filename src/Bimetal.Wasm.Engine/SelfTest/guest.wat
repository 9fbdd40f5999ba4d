;; The guest of the self-test. Rebuild guest.wasm beside it with: wat2wasm guest.wat -o guest.wasm (a test compares them).
(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "nothing" (func $nothing))
  (import "host" "invoke" (func $invoke))
  (memory (export "memory") 16 64)
  (table $table 4 funcref)
  (global $counter (mut i32) (i32.const 0))
  (global $depth (mut i32) (i32.const 0))
  (elem (i32.const 0) $add)
  (elem $spare func $add)
  (data (i32.const 70000) "image")

  (func (export "empty"))
  (func $add (export "add") (type $unary) (i32.add (local.get 0) (i32.const 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 2) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "unreachable") (unreachable))

  ;; Endless recursion that counts its frames.
  (func $recurse (export "recurse")
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (call $recurse)
    (global.set $depth (i32.add (global.get $depth) (i32.const 1))))
  (func (export "take_depth") (result i32) (global.get $depth) (global.set $depth (i32.const 0)))

  (func (export "forever") (loop $again (br $again)))
  (func (export "forever_writing") (local i32)
    (loop $again
      (i32.store (i32.const 0) (local.get 0))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br $again)))
  (func (export "forever_filling")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576))
      (br $again)))
  (func (export "forever_calling") (loop $again (call $nothing) (br $again)))
  (func (export "calls") (param i32)
    (loop $again
      (call $nothing)
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "spin") (param i32) (result i32) (local i32)
    (loop $again
      (local.set 1 (i32.mul (i32.add (local.get 1) (local.get 0)) (i32.const 1664525)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "invoke") (param i32) (result i32) (call $invoke) (i32.load (local.get 0)))

  ;; One byte in each of so many pages of 4 KiB, from address 0 on.
  (func (export "dirty") (param i32)
    (loop $again
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (i32.store8 (i32.mul (local.get 0) (i32.const 4096)) (i32.const 255))
      (br_if $again (local.get 0))))

  ;; State other than memory: a global, a table element, the table's length, a dropped segment.
  (func (export "disturb")
    (global.set $counter (i32.const 99))
    (table.set $table (i32.const 1) (ref.func $add))
    (table.set $table (i32.const 0) (ref.null func))
    (drop (table.grow $table (ref.func $add) (i32.const 3)))
    (elem.drop $spare))
  (func (export "counter") (result i32) (global.get $counter))
  (func (export "indirect") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0)))
  (func (export "table_size") (result i32) (table.size $table))
  (func (export "use_spare") (table.init $table $spare (i32.const 2) (i32.const 0) (i32.const 1))))
