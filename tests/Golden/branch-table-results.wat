;; A branch table with a result, whose targets are a block, a loop's end and the function itself.
(module
  (func (export "f") (param i32) (result i32)
    (block $a (result i32)
      (block $b (result i32)
        (i32.const 10)
        (br_table $b $a $b $b 2 $a (local.get 0)))
      (i32.add (i32.const 1)))
    (i32.mul (i32.const 3))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %0 = call i32 asm "cmpl $2, $0\0Acmovael $2, $0", "=r,0,r,~{flags}"(i32 %a0, i32 5) #3
;;   switch i32 %0, label %b2 [
;;     i32 0, label %b1
;;     i32 1, label %b0
;;     i32 2, label %b1
;;     i32 3, label %b1
;;     i32 4, label %x
;;     i32 5, label %b0
;;   ]
;; b2:
;;   unreachable
;; b1:
;;   %1 = add i32 10, 1
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ 10, %e ], [ 10, %e ], [ %1, %b1 ]
;;   %2 = mul i32 %v0, 3
;;   br label %x
;; x:
;;   %v1 = phi i32 [ 10, %e ], [ %2, %b0 ]
;;   ret i32 %v1
;; }
