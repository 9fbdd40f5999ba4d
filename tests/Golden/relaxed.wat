;; options: relaxed
(module (memory 1)
  (func (export "unused") (param i32) (drop (i32.load (local.get 0))))
  (func (export "used") (param i32) (result i32) (i32.xor (i32.load (local.get 0)) (local.get 0))))

;; ---- IR ----
;; define internal void @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   ret void
;; }
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   call void asm sideeffect "", "r"(i32 %2) #4
;;   %3 = xor i32 %2, %a0
;;   ret i32 %3
;; }
