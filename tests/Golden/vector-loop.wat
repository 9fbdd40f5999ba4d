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
;;   %l0 = alloca i32
;;   store i32 %a0, ptr %l0
;;   %l1 = alloca i32
;;   store i32 %a1, ptr %l1
;;   %l2 = alloca i32
;;   store i32 0, ptr %l2
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   store i8 0, ptr %k1.0
;;   br label %b0
;; b0:
;;   %0 = load i32, ptr %l0
;;   %1 = zext i32 %0 to i64
;;   %2 = getelementptr i8, ptr %mb, i64 %1
;;   %3 = load i32, ptr %2, align 1, !tbaa !4
;;   %4 = add i32 %3, 1
;;   %5 = getelementptr i8, ptr %2, i64 4096
;;   store i32 %4, ptr %5, align 1, !tbaa !4
;;   %6 = load i32, ptr %l2
;;   %7 = getelementptr i8, ptr %2, i64 8192
;;   %8 = load i32, ptr %7, align 1, !tbaa !4
;;   %9 = add i32 %6, %8
;;   store i32 %9, ptr %l2
;;   %10 = getelementptr i8, ptr %2, i64 12288
;;   %11 = load i8, ptr %10, align 1, !tbaa !4
;;   %12 = zext i8 %11 to i32
;;   %13 = load i8, ptr %k1.0
;;   %14 = add i8 %13, %11
;;   store i8 %14, ptr %k1.0
;;   %15 = add i32 %0, 4
;;   store i32 %15, ptr %l0
;;   %16 = load i32, ptr %l1
;;   %17 = sub i32 %16, 1
;;   store i32 %17, ptr %l1
;;   %18 = icmp ne i32 %17, 0
;;   br i1 %18, label %b0, label %b1
;; b1:
;;   %19 = load i8, ptr %k1.0
;;   call void asm sideeffect "", "r"(i8 %19) #4
;;   call void asm sideeffect "", "r"(i32 %9) #4
;;   call void asm sideeffect "", "~{memory}"() #5
;;   ret i32 %9
;; }
