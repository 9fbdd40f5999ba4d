;; Loads of a loop that LLVM may vectorise: one reaches a store, one a sum, one neither.
(module (memory 1)
  (func (export "f") (param i32 i32) (result i32) (local i32)
    (loop $next
      (i32.store offset=4096 (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (local.set 2 (i32.add (local.get 2) (i32.load offset=8192 (local.get 0))))
      (drop (i32.load8_u offset=12288 (local.get 0)))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br_if $next (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
    (local.get 2)))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0, i32 %a1) #0 {
;; e:
;;   %k1.0 = alloca i8
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   store i8 0, ptr %k1.0
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ %a0, %e ], [ %13, %b0 ]
;;   %v1 = phi i32 [ %a1, %e ], [ %14, %b0 ]
;;   %v2 = phi i32 [ 0, %e ], [ %7, %b0 ]
;;   %0 = zext i32 %v0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   %3 = add i32 %2, 1
;;   %4 = getelementptr i8, ptr %1, i64 4096
;;   store i32 %3, ptr %4, align 1, !tbaa !4
;;   %5 = getelementptr i8, ptr %1, i64 8192
;;   %6 = load i32, ptr %5, align 1, !tbaa !4
;;   %7 = add i32 %v2, %6
;;   %8 = getelementptr i8, ptr %1, i64 12288
;;   %9 = load i8, ptr %8, align 1, !tbaa !4
;;   %10 = zext i8 %9 to i32
;;   %11 = load i8, ptr %k1.0
;;   %12 = add i8 %11, %9
;;   store i8 %12, ptr %k1.0
;;   %13 = add i32 %v0, 4
;;   %14 = sub i32 %v1, 1
;;   %15 = icmp ne i32 %14, 0
;;   br i1 %15, label %b0, label %b1
;; b1:
;;   %16 = load i8, ptr %k1.0
;;   call void asm sideeffect "", "r"(i8 %16) #4
;;   call void asm sideeffect "", "r"(i32 %7) #4
;;   call void asm sideeffect "", "~{memory}"() #5
;;   ret i32 %7
;; }
