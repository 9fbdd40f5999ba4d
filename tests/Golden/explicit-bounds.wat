;; options: explicit-bounds
(module (memory 1)
  (func (export "load") (param i32) (result i64) (i64.load offset=100 (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))

;; ---- IR ----
;; define internal i64 @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = add i64 %0, 108
;;   %2 = getelementptr i8, ptr %c, i64 8
;;   %3 = load ptr, ptr %2, align 8, !invariant.load !0
;;   %4 = getelementptr i8, ptr %3, i64 8
;;   %5 = load i64, ptr %4, align 8, !tbaa !10
;;   %6 = icmp ule i64 %1, %5
;;   br i1 %6, label %b0, label %t0
;; b0:
;;   %7 = getelementptr i8, ptr %mb, i64 %0
;;   %8 = call ptr asm "cmpq $3, $2\0Acmovaq $4, $0", "=r,0,r,r,r,~{flags}"(ptr %7, i64 %1, i64 %5, i64 0) #3
;;   %9 = getelementptr i8, ptr %8, i64 100
;;   %10 = load i64, ptr %9, align 1, !tbaa !4
;;   ret i64 %10
;; t0:
;;   call void @raise(ptr %c, i32 5)
;;   unreachable
;; }
;; define internal void @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0, i32 %a1) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = trunc i32 %a1 to i8
;;   %1 = zext i32 %a0 to i64
;;   %2 = add i64 %1, 1
;;   %3 = getelementptr i8, ptr %c, i64 8
;;   %4 = load ptr, ptr %3, align 8, !invariant.load !0
;;   %5 = getelementptr i8, ptr %4, i64 8
;;   %6 = load i64, ptr %5, align 8, !tbaa !10
;;   %7 = icmp ule i64 %2, %6
;;   br i1 %7, label %b0, label %t0
;; b0:
;;   %8 = getelementptr i8, ptr %mb, i64 %1
;;   %9 = call ptr asm "cmpq $3, $2\0Acmovaq $4, $0", "=r,0,r,r,r,~{flags}"(ptr %8, i64 %2, i64 %6, i64 0) #3
;;   store i8 %0, ptr %9, align 1, !tbaa !4
;;   ret void
;; t0:
;;   call void @raise(ptr %c, i32 5)
;;   unreachable
;; }
