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
;;   %s0 = alloca i32
;;   %s1 = alloca i32
;;   %l0 = alloca i32
;;   store i32 %a0, ptr %l0
;;   store i32 1, ptr %s0
;;   store i32 %a0, ptr %s1
;;   br label %b0
;; b0:
;;   %0 = load i32, ptr %s0
;;   %1 = load i32, ptr %s1
;;   store i32 %1, ptr %l0
;;   %2 = mul i32 %0, %1
;;   %3 = sub i32 %1, 1
;;   %4 = icmp ugt i32 %1, 1
;;   store i32 %2, ptr %s0
;;   store i32 %3, ptr %s1
;;   br i1 %4, label %b0, label %b1
;; b1:
;;   ret i32 %2
;; }
