;; Parameters of a loop go through slots.
(module
  (func (export "f") (param i32) (result i32)
    (i32.const 1) (local.get 0)
    (loop $next (param i32 i32) (result i32)
      (local.set 0)
      (i32.mul (local.get 0))
      (i32.sub (local.get 0) (i32.const 1))
      (br_if $next (i32.gt_u (local.get 0) (i32.const 1)))
      (drop))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ 1, %e ], [ %0, %b0 ]
;;   %v1 = phi i32 [ %a0, %e ], [ %1, %b0 ]
;;   %0 = mul i32 %v0, %v1
;;   %1 = sub i32 %v1, 1
;;   %2 = icmp ugt i32 %v1, 1
;;   br i1 %2, label %b0, label %b1
;; b1:
;;   ret i32 %0
;; }
