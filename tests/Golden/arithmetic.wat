(module
  (func (export "sum") (param i32 i32) (result i32)
    (i32.add (i32.shl (local.get 0) (local.get 1)) (i32.const 7)))
  (func (export "divide") (param i64 i64) (result i64)
    (i64.add (i64.div_s (local.get 0) (local.get 1)) (i64.rem_s (local.get 0) (local.get 1))))
  (func (export "constant divisor") (param i32) (result i32)
    (i32.div_u (local.get 0) (i32.const 10))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0, i32 %a1) #0 {
;; e:
;;   %0 = and i32 %a1, 31
;;   %1 = shl i32 %a0, %0
;;   %2 = add i32 %1, 7
;;   ret i32 %2
;; }
;; define internal i64 @m0f1(ptr noundef nonnull align 64 dereferenceable(256) %c, i64 %a0, i64 %a1) #0 {
;; e:
;;   %0 = icmp eq i64 %a1, 0
;;   br i1 %0, label %t0, label %b0
;; b0:
;;   %1 = icmp eq i64 %a0, -9223372036854775808
;;   %2 = icmp eq i64 %a1, -1
;;   %3 = and i1 %1, %2
;;   br i1 %3, label %t1, label %b1
;; b1:
;;   %4 = sdiv i64 %a0, %a1
;;   %5 = icmp eq i64 %a1, 0
;;   br i1 %5, label %t0, label %b2
;; b2:
;;   %6 = icmp eq i64 %a1, -1
;;   %7 = select i1 %6, i64 1, i64 %a1
;;   %8 = srem i64 %a0, %7
;;   %9 = add i64 %4, %8
;;   ret i64 %9
;; t0:
;;   call void @raise(ptr %c, i32 2)
;;   unreachable
;; t1:
;;   call void @raise(ptr %c, i32 3)
;;   unreachable
;; }
;; define internal i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %0 = udiv i32 %a0, 10
;;   ret i32 %0
;; }
