;; options: relaxed
(module (memory 1)
  (func (export "unused") (param i32) (drop (i32.load (local.get 0)))))

;; ---- IR ----
;; define internal void @m0f0(ptr noundef nonnull align 64 dereferenceable(192) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   ret void
;; }
