;; options: arm64
(module
  (type $unary (func (param i32) (result i32)))
  (table 2 2 funcref)
  (elem (i32.const 0) $direct)
  (func $direct (type $unary) (return_call $direct (i32.add (local.get 0) (i32.const 1))))
  (func (export "indirect") (param i32) (result i32) (return_call_indirect (type $unary) (i32.const 5) (local.get 0))))

;; ---- IR ----
;; define internal tailcc i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %0 = add i32 %a0, 1
;;   %1 = musttail call tailcc i32 @m0f0(ptr %c, i32 %0)
;;   ret i32 %1
;; }
;; define internal tailcc i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %0 = icmp ult i32 %a0, 2
;;   br i1 %0, label %b0, label %t0
;; b0:
;;   %1 = zext i32 %a0 to i64
;;   %2 = call i64 asm "cmp ${1:w}, ${2:w}\0Asbc $0, xzr, xzr\0Acsdb", "=r,r,r,~{cc}"(i32 %a0, i32 2) #3
;;   %3 = and i64 %1, %2
;;   %4 = getelementptr i8, ptr %c, i64 136
;;   %5 = load ptr, ptr %4, align 8, !invariant.load !0
;;   %6 = load ptr, ptr %5, align 8, !invariant.load !0
;;   %7 = getelementptr [32 x i8], ptr %6, i64 %3
;;   %8 = load ptr, ptr %7, align 8, !invariant.load !0
;;   %9 = icmp ne ptr %8, null
;;   br i1 %9, label %b1, label %t1
;; b1:
;;   %10 = getelementptr i8, ptr %7, i64 20
;;   %11 = load i32, ptr %10, align 4, !tbaa !12
;;   %12 = sext i32 %11 to i64
;;   %13 = getelementptr i8, ptr %8, i64 %12
;;   %14 = icmp ne i32 %11, 0
;;   br i1 %14, label %b2, label %b3
;; b2:
;;   %15 = musttail call tailcc i32 %13(ptr %c, i32 5)
;;   ret i32 %15
;; b3:
;;   %16 = musttail call tailcc i32 @v0(ptr %c, i32 5, ptr %8)
;;   ret i32 %16
;; t0:
;;   call void @raise(ptr %c, i32 7)
;;   unreachable
;; t1:
;;   call void @raise(ptr %c, i32 8)
;;   unreachable
;; }
