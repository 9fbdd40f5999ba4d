;; More than two results are left in memory of the caller.
(module
  (func $three (param i32) (result i32 v128 f64) (local.get 0) (i32x4.splat (local.get 0)) (f64.const 1.5))
  (func (export "sum") (param i32) (result f64) (local $v v128)
    (call $three (local.get 0))
    (drop) (local.set $v) (f64.convert_i32_s))
  (func (export "again") (param i32) (result i32 v128 f64) (return_call $three (local.get 0))))

;; ---- IR ----
;; define internal tailcc void @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, ptr %rp, i32 %a0) #0 {
;; e:
;;   %0 = insertelement <4 x i32> poison, i32 %a0, i32 0
;;   %1 = shufflevector <4 x i32> %0, <4 x i32> poison, <4 x i32> zeroinitializer
;;   %2 = bitcast <4 x i32> %1 to <2 x i64>
;;   %3 = getelementptr i8, ptr %rp, i64 0
;;   store i32 %a0, ptr %3, align 8, !tbaa !16
;;   %4 = getelementptr i8, ptr %rp, i64 8
;;   store <2 x i64> %2, ptr %4, align 8, !tbaa !16
;;   %5 = getelementptr i8, ptr %rp, i64 24
;;   store double 0x3FF8000000000000, ptr %5, align 8, !tbaa !16
;;   ret void
;; }
;; define internal double @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %ra = alloca [4 x i64], align 16
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   call tailcc void @m0f0(ptr %c, ptr %ra, i32 %a0)
;;   %0 = getelementptr i8, ptr %ra, i64 0
;;   %1 = load i32, ptr %0, align 8, !tbaa !16
;;   %2 = getelementptr i8, ptr %ra, i64 8
;;   %3 = load <2 x i64>, ptr %2, align 8, !tbaa !16
;;   %4 = getelementptr i8, ptr %ra, i64 24
;;   %5 = load double, ptr %4, align 8, !tbaa !16
;;   %6 = sitofp i32 %1 to double
;;   ret double %6
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; }
;; define internal tailcc void @m0f2(ptr noundef nonnull align 64 dereferenceable(224) %c, ptr %rp, i32 %a0) #0 {
;; e:
;;   musttail call tailcc void @m0f0(ptr %c, ptr %rp, i32 %a0)
;;   ret void
;; }
