(module
  (import "env" "counter" (global $imported (mut i64)))
  (global $own (mut i32) (i32.const 1))
  (global $constant i32 (i32.const 42))
  (func (export "f") (result i32)
    (global.set $imported (i64.add (global.get $imported) (i64.const 1)))
    (global.set $own (global.get $constant))
    (global.get $own)))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c) #0 {
;; e:
;;   %0 = getelementptr i8, ptr %c, i64 128
;;   %1 = load ptr, ptr %0, align 8, !invariant.load !0
;;   %2 = load i64, ptr %1, align 8, !tbaa !8
;;   %3 = add i64 %2, 1
;;   %4 = getelementptr i8, ptr %c, i64 128
;;   %5 = load ptr, ptr %4, align 8, !invariant.load !0
;;   store i64 %3, ptr %5, align 8, !tbaa !8
;;   %6 = getelementptr i8, ptr %c, i64 144
;;   store i32 42, ptr %6, align 8, !tbaa !8
;;   %7 = getelementptr i8, ptr %c, i64 144
;;   %8 = load i32, ptr %7, align 8, !tbaa !8
;;   ret i32 %8
;; }
