;; A vector keeps its shape between instructions; it is cast where another shape, a local or a result needs it.
(module (memory 1)
  (func (export "sum") (param i32) (result i32) (local v128)
    (local.set 1 (i16x8.add (i16x8.mul (v128.load (local.get 0)) (v128.load offset=16 (local.get 0))) (i16x8.splat (i32.const 3))))
    (i32x4.extract_lane 2 (i32x4.extadd_pairwise_i16x8_s (local.get 1))))
  (func (export "swizzle") (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1))))

;; ---- IR ----
;; define internal i32 @m0f0(ptr noundef nonnull align 64 dereferenceable(224) %c, i32 %a0) #0 {
;; e:
;;   %mb = load ptr, ptr %c, align 8, !invariant.load !0
;;   %0 = zext i32 %a0 to i64
;;   %1 = getelementptr i8, ptr %mb, i64 %0
;;   %2 = load <2 x i64>, ptr %1, align 1, !tbaa !4
;;   call void asm sideeffect "", "x"(<2 x i64> %2) #4
;;   %3 = getelementptr i8, ptr %1, i64 16
;;   %4 = load <2 x i64>, ptr %3, align 1, !tbaa !4
;;   call void asm sideeffect "", "x"(<2 x i64> %4) #4
;;   %5 = bitcast <2 x i64> %4 to <8 x i16>
;;   %6 = bitcast <2 x i64> %2 to <8 x i16>
;;   %7 = mul <8 x i16> %6, %5
;;   %8 = trunc i32 3 to i16
;;   %9 = insertelement <8 x i16> poison, i16 %8, i32 0
;;   %10 = shufflevector <8 x i16> %9, <8 x i16> poison, <8 x i32> zeroinitializer
;;   %11 = add <8 x i16> %7, %10
;;   %12 = bitcast <8 x i16> %11 to <2 x i64>
;;   %13 = bitcast <2 x i64> %12 to <4 x i32>
;;   %14 = shl <4 x i32> %13, <i32 16, i32 16, i32 16, i32 16>
;;   %15 = ashr <4 x i32> %14, <i32 16, i32 16, i32 16, i32 16>
;;   %16 = ashr <4 x i32> %13, <i32 16, i32 16, i32 16, i32 16>
;;   %17 = add <4 x i32> %15, %16
;;   %18 = extractelement <4 x i32> %17, i32 2
;;   ret i32 %18
;; }
;; define internal <2 x i64> @m0f1(ptr noundef nonnull align 64 dereferenceable(224) %c, <2 x i64> %a0, <2 x i64> %a1) #0 {
;; e:
;;   %0 = bitcast <2 x i64> %a1 to <16 x i8>
;;   %1 = bitcast <2 x i64> %a0 to <16 x i8>
;;   %2 = call <16 x i8> @llvm.uadd.sat.v16i8(<16 x i8> %0, <16 x i8> <i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112, i8 112>)
;;   %3 = call <16 x i8> @llvm.x86.ssse3.pshuf.b.128(<16 x i8> %1, <16 x i8> %2)
;;   %4 = bitcast <16 x i8> %3 to <2 x i64>
;;   ret <2 x i64> %4
;; }
