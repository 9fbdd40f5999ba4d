;; Direct, imported and indirect calls; two results; a recursive function checks its stack.
(module
  (type $unary (func (param i32) (result i32)))
  (import "env" "host" (func $host (param i32) (result i32)))
  (table 2 2 funcref)
  (elem (i32.const 0) $pair-user)
  (func $pair (param i32) (result i32 i64) (local.get 0) (i64.extend_i32_u (local.get 0)))
  (func $pair-user (type $unary) (drop (call $pair (local.get 0))) (call $host))
  (func (export "indirect") (param i32) (result i32) (call_indirect (type $unary) (i32.const 5) (local.get 0))))

;; ---- IR ----
;; define internal { i32, i64 } @m0f1(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %0 = zext i32 %a0 to i64
;;   %1 = insertvalue { i32, i64 } poison, i32 %a0, 0
;;   %2 = insertvalue { i32, i64 } %1, i64 %0, 1
;;   ret { i32, i64 } %2
;; }
;; define internal i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = call { i32, i64 } @m0f1(ptr %c, i32 %a0)
;;   %1 = extractvalue { i32, i64 } %0, 0
;;   %2 = extractvalue { i32, i64 } %0, 1
;;   %3 = getelementptr i8, ptr %c, i64 160
;;   %4 = load ptr, ptr %3, align 8, !invariant.load !0
;;   %5 = getelementptr i8, ptr %c, i64 168
;;   %6 = load ptr, ptr %5, align 8, !invariant.load !0
;;   %7 = call i32 %4(ptr %6, i32 %1)
;;   ret i32 %7
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; }
;; define internal i32 @m0f3(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   switch i32 %a0, label %b2 [
;;     i32 0, label %b1
;;   ]
;; b2:
;;   %0 = icmp ult i32 %a0, 2
;;   br i1 %0, label %t1, label %t2
;; b1:
;;   %1 = call i32 @m0f2(ptr %c, i32 5)
;;   br label %b3
;; b3:
;;   %2 = phi i32 [ %1, %b1 ]
;;   ret i32 %2
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; t1:
;;   call void @raise(ptr %c, i32 8)
;;   unreachable
;; t2:
;;   call void @raise(ptr %c, i32 7)
;;   unreachable
;; }
