(module
  (func (export "few") (param i32) (result i32)
    (block $a (block $b (br_table $a $b (local.get 0))) (return (i32.const 1))) (i32.const 2))
  (func (export "sparse") (param i32) (result i32)
    (block $a (block $b (br_table $a $b $b $b $b $b $b $a $b (local.get 0))) (return (i32.const 1))) (i32.const 2))
  (func (export "bytes") (param i32) (result i32)
    (i32.lt_u (i32.and (i32.sub (local.get 0) (i32.const 48)) (i32.const 255)) (i32.const 200)))
  (func (export "many") (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $a $a $b $c (local.get 0))) (return (i32.const 1))) (return (i32.const 2))) (i32.const 3)))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   switch i32 %a0, label %b1 [
;;     i32 0, label %b0
;;   ]
;; b1:
;;   ret i32 1
;; b0:
;;   ret i32 2
;; }
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   switch i32 %a0, label %b1 [
;;     i32 0, label %b0
;;     i32 7, label %b0
;;   ]
;; b1:
;;   ret i32 1
;; b0:
;;   ret i32 2
;; }
;; define internal i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   %0 = sub i32 %a0, 48
;;   %1 = and i32 %0, 255
;;   %2 = trunc i32 %0 to i8
;;   %3 = icmp ult i8 %2, -56
;;   %4 = zext i1 %3 to i32
;;   ret i32 %4
;; }
;; define internal i32 @m0f3(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   %0 = call i32 asm "cmpl $2, $0\0Acmovael $2, $0", "=r,0,r,~{flags}"(i32 %a0, i32 5) #3
;;   switch i32 %0, label %b3 [
;;     i32 0, label %b0
;;     i32 1, label %b1
;;     i32 2, label %b0
;;     i32 3, label %b0
;;     i32 4, label %b1
;;     i32 5, label %b2
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
