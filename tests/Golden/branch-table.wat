(module
  (func (export "few") (param i32) (result i32)
    (block $a (block $b (br_table $a $b (local.get 0))) (return (i32.const 1))) (i32.const 2))
  (func (export "many") (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $c $a $b (local.get 0))) (return (i32.const 1))) (return (i32.const 2))) (i32.const 3)))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   switch i32 %a0, label %b1 [
;;     i32 0, label %b0
;;   ]
;; b1:
;;   ret i32 1
;; b0:
;;   ret i32 2
;; }
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %0 = call i32 asm "cmpl $2, $0\0Acmovael $2, $0", "=r,0,r,~{flags}"(i32 %a0, i32 4) #3
;;   switch i32 %0, label %b3 [
;;     i32 0, label %b0
;;     i32 1, label %b1
;;     i32 2, label %b2
;;     i32 3, label %b0
;;     i32 4, label %b1
;;   ]
;; b3:
;;   unreachable
;; b2:
;;   ret i32 1
;; b1:
;;   ret i32 2
;; b0:
;;   ret i32 3
;; }
