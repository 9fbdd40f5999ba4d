;; A block with a result, an if without else, and code that cannot be reached.
(module
  (func (export "f") (param i32) (result i32)
    (block $out (result i32)
      (br_if $out (i32.const 1) (i32.eqz (local.get 0)))
      (drop)
      (if (i32.lt_s (local.get 0) (i32.const 5)) (then (return (i32.const 2))))
      (br $out (i32.const 3))
      (i32.add (i32.const 8) (i32.const 9)))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %0 = icmp eq i32 %a0, 0
;;   br i1 %0, label %b0, label %b1
;; b1:
;;   %1 = icmp slt i32 %a0, 5
;;   br i1 %1, label %b2, label %b4
;; b2:
;;   ret i32 2
;; b4:
;;   br label %b3
;; b3:
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ 1, %e ], [ 3, %b3 ]
;;   ret i32 %v0
;; }
