;; An assigned parameter becomes a variable, the other stays an argument; within straight-line code values are reused.
(module
  (func (export "f") (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.add (local.get 0) (local.get 1)))
    (local.set 0 (i32.mul (local.get 2) (local.get 2)))
    (loop $again
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $again (local.get 0)))
    (i32.add (local.get 2) (local.get 0))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0, i32 %a1) #0 {
;; e:
;;   %0 = add i32 %a0, %a1
;;   %1 = mul i32 %0, %0
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ %1, %e ], [ %2, %b0 ]
;;   %2 = sub i32 %v0, 1
;;   %3 = icmp ne i32 %2, 0
;;   br i1 %3, label %b0, label %b1
;; b1:
;;   %4 = add i32 %0, %2
;;   ret i32 %4
;; }
