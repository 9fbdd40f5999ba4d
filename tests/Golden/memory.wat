;; Loads in conformant mode are kept; two accesses with one index share its address.
(module (memory 1)
  (func (export "unused") (param i32) (drop (i32.load (local.get 0))))
  (func (export "fields") (param i32) (result i64) (local i32)
    (local.set 1 (i32.add (local.get 0) (i32.const 8)))
    (i64.store offset=16 (local.get 1) (i64.load offset=4294967295 (local.get 1)))
    (i64.load16_s (i32.const -4)))
  (func (export "grow") (result i32) (i32.add (memory.grow (i32.const 1)) (memory.size))))

;; ---- IR ----
;; define internal void @m0f0(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load i32, ptr %1, align 1, !tbaa !4
;;   call void asm sideeffect "", "r"(i32 %2) #4
;;   ret void
;; }
;; define internal i64 @m0f1(ptr noundef nonnull align 64 dereferenceable(256) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = add i32 %a0, 8
;;   %1 = zext i32 %0 to i64
;;   %2 = getelementptr i8, ptr %mb, i64 %1
;;   %3 = getelementptr i8, ptr %2, i64 4294967295
;;   %4 = load i64, ptr %3, align 1, !tbaa !4
;;   call void asm sideeffect "", "r"(i64 %4) #4
;;   %5 = getelementptr i8, ptr %2, i64 16
;;   store i64 %4, ptr %5, align 1, !tbaa !4
;;   %6 = getelementptr i8, ptr %mb, i64 4294967292
;;   %7 = load i16, ptr %6, align 1, !tbaa !4
;;   %8 = sext i16 %7 to i64
;;   call void asm sideeffect "", "r"(i64 %8) #4
;;   ret i64 %8
;; }
;; define internal i32 @m0f2(ptr noundef nonnull align 64 dereferenceable(256) %c) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = call i32 @memory.grow(ptr %c, i32 0, i32 1)
;;   %1 = getelementptr i8, ptr %c, i64 8
;;   %2 = load ptr, ptr %1, align 8, !invariant.load !0
;;   %3 = getelementptr i8, ptr %2, i64 8
;;   %4 = load i64, ptr %3, align 8, !tbaa !10
;;   %5 = lshr i64 %4, 16
;;   %6 = trunc i64 %5 to i32
;;   %7 = add i32 %0, %6
;;   ret i32 %7
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; }
