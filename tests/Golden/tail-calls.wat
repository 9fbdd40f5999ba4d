;; Tail calls within the module, to an import, and through a table; what is not called in tail position keeps the C convention.
(module
  (type $unary (func (param i32) (result i32)))
  (import "env" "host" (func $host (type $unary)))
  (table 2 2 funcref)
  (elem (i32.const 0) $direct)
  (func $plain (param i32) (result i32) (local.get 0))
  (func $direct (type $unary) (return_call $target (local.get 0) (i64.const 7)))
  (func $target (param i32 i64) (result i32) (call $plain (local.get 0)))
  (func (export "import") (type $unary) (return_call $host (local.get 0)))
  (func (export "indirect") (param i32) (result i32) (return_call_indirect (type $unary) (i32.const 5) (local.get 0))))

;; ---- IR ----
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   ret i32 %a0
;; }
;; define internal tailcc i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   %0 = musttail call tailcc i32 @m0f3(ptr %c, i32 %a0, i64 7)
;;   ret i32 %0
;; }
;; define internal tailcc i32 @m0f3(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0, i64 %a1) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = call i32 @m0f1(ptr %c, i32 %a0)
;;   ret i32 %0
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; }
;; define internal tailcc i32 @m0f4(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   %0 = getelementptr i8, ptr %c, i64 160
;;   %1 = load ptr, ptr %0, align 8, !invariant.load !0
;;   %2 = getelementptr i8, ptr %c, i64 168
;;   %3 = load ptr, ptr %2, align 8, !invariant.load !0
;;   %4 = getelementptr i8, ptr %c, i64 180
;;   %5 = load i32, ptr %4, align 4, !invariant.load !0
;;   %6 = sext i32 %5 to i64
;;   %7 = getelementptr i8, ptr %1, i64 %6
;;   %8 = icmp ne i32 %5, 0
;;   br i1 %8, label %b0, label %b1
;; b0:
;;   %9 = musttail call tailcc i32 %7(ptr %3, i32 %a0)
;;   ret i32 %9
;; b1:
;;   %10 = musttail call tailcc i32 @v0(ptr %3, i32 %a0, ptr %1)
;;   ret i32 %10
;; }
;; define internal tailcc i32 @m0f5(ptr noundef nonnull align 64 dereferenceable(288) %c, i32 %a0) #0 {
;; e:
;;   %0 = icmp ult i32 %a0, 2
;;   br i1 %0, label %b0, label %t0
;; b0:
;;   %1 = zext i32 %a0 to i64
;;   %2 = call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 %a0, i32 2) #3
;;   %3 = and i64 %1, %2
;;   %4 = getelementptr i8, ptr %c, i64 144
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
