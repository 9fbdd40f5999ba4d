;; options: poll
;; Loops look whether they are to stop at their head, functions that call or end in a tail call at their start.
(module
  (memory 1)
  (func $leaf (param i32) (result i32) (i32.load (local.get 0)))
  (func $calls (param i32) (result i32) (call $leaf (local.get 0)))
  (func $tail (param i32) (result i32) (return_call $tail (local.get 0)))
  (func (export "fill") (param i32)
    (loop (i32.store8 (local.get 0) (i32.const 7)) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   call void asm sideeffect "", "r"(i32 %2) #4
;;   ret i32 %2
;; }
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = getelementptr i8, ptr %c, i64 24
;;   %1 = load volatile i32, ptr %0, align 8, !tbaa !6
;;   %2 = icmp ne i32 %1, 0
;;   br i1 %2, label %tp, label %b1
;; b1:
;;   %3 = call i32 @m0f0(ptr %c, i32 %a0)
;;   ret i32 %3
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; tp:
;;   %4 = getelementptr i8, ptr %c, i64 24
;;   %5 = load volatile i32, ptr %4, align 8, !tbaa !6
;;   call void @raise(ptr %c, i32 %5)
;;   unreachable
;; }
;; define internal tailcc i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %0 = getelementptr i8, ptr %c, i64 24
;;   %1 = load volatile i32, ptr %0, align 8, !tbaa !6
;;   %2 = icmp ne i32 %1, 0
;;   br i1 %2, label %tp, label %b0
;; b0:
;;   %3 = musttail call tailcc i32 @m0f2(ptr %c, i32 %a0)
;;   ret i32 %3
;; tp:
;;   %4 = getelementptr i8, ptr %c, i64 24
;;   %5 = load volatile i32, ptr %4, align 8, !tbaa !6
;;   call void @raise(ptr %c, i32 %5)
;;   unreachable
;; }
;; define internal void @m0f3(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   br label %b0
;; b0:
;;   %v0 = phi i32 [ %a0, %e ], [ %6, %b1 ]
;;   %0 = getelementptr i8, ptr %c, i64 24
;;   %1 = load volatile i32, ptr %0, align 8, !tbaa !6
;;   %2 = icmp ne i32 %1, 0
;;   br i1 %2, label %tp, label %b1
;; b1:
;;   %3 = trunc i32 7 to i8
;;   %4 = zext i32 %v0 to i64
;;   %5 = getelementptr i8, ptr %mb, i64 %4
;;   store i8 %3, ptr %5, align 1, !tbaa !4
;;   %6 = sub i32 %v0, 1
;;   %7 = icmp ne i32 %6, 0
;;   br i1 %7, label %b0, label %b2
;; b2:
;;   ret void
;; tp:
;;   %8 = getelementptr i8, ptr %c, i64 24
;;   %9 = load volatile i32, ptr %8, align 8, !tbaa !6
;;   call void @raise(ptr %c, i32 %9)
;;   unreachable
;; }
