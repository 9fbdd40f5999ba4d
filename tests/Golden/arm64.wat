;; options: arm64
(module (memory 1) (table 2 2 funcref) (type $t (func))
  (func (export "f") (param i32) (call_indirect (type $t) (local.get 0)))
  (func (export "g") (param i32) (drop (f32.load (local.get 0)))))

;; ---- IR ----
;; define internal void @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = icmp ult i32 %a0, 2
;;   br i1 %0, label %b1, label %t1
;; b1:
;;   %1 = zext i32 %a0 to i64
;;   %2 = call i64 asm "cmp ${1:w}, ${2:w}\0Asbc $0, xzr, xzr\0Acsdb", "=r,r,r,~{cc}"(i32 %a0, i32 2) #3
;;   %3 = and i64 %1, %2
;;   %4 = getelementptr i8, ptr %c, i64 136
;;   %5 = load ptr, ptr %4, align 8, !invariant.load !0
;;   %6 = load ptr, ptr %5, align 8, !invariant.load !0
;;   %7 = getelementptr [32 x i8], ptr %6, i64 %3
;;   %8 = load ptr, ptr %7, align 8, !invariant.load !0
;;   %9 = getelementptr i8, ptr %7, i64 16
;;   %10 = load i32, ptr %9, align 8, !invariant.load !0
;;   %11 = getelementptr i8, ptr %c, i64 128
;;   %12 = load i32, ptr %11, align 4, !invariant.load !0
;;   %13 = call ptr asm "cmp ${2:w}, ${3:w}\0Acsel $0, $1, xzr, eq\0Acsdb", "=r,r,r,r,~{cc}"(ptr %8, i32 %10, i32 %12) #3
;;   %14 = icmp ne ptr %13, null
;;   br i1 %14, label %b3, label %b2
;; b2:
;;   %15 = icmp eq i32 %10, 0
;;   br i1 %15, label %t2, label %t3
;; b3:
;;   call void %13(ptr %c)
;;   ret void
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; t1:
;;   call void @raise(ptr %c, i32 7)
;;   unreachable
;; t2:
;;   call void @raise(ptr %c, i32 8)
;;   unreachable
;; t3:
;;   call void @raise(ptr %c, i32 9)
;;   unreachable
;; }
;; define internal void @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load float, ptr %1, align 1, !tbaa !4
;;   call void asm sideeffect "", "w"(float %2) #4
;;   ret void
;; }
