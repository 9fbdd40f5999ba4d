;; Neutral elements are hidden from constant folding, so that a signalling NaN becomes quiet.
(module
  (func (export "times one") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 1)))
  (func (export "minimum") (param f64 f64) (result f64) (f64.min (local.get 0) (local.get 1)))
  (func (export "nan") (result f32) (f32.const nan:0x200000))
  (func (export "sign") (param f64) (result f64) (f64.neg (f64.abs (local.get 0)))))

;; ---- IR ----
;; define internal float @m0f0(ptr noundef nonnull align 64 dereferenceable(288) %c, float %a0) #0 {
;; e:
;;   %0 = call float asm "", "=x,0"(float 0x3FF0000000000000) #3
;;   %1 = fmul float %a0, %0
;;   ret float %1
;; }
;; define internal double @m0f1(ptr noundef nonnull align 64 dereferenceable(288) %c, double %a0, double %a1) #0 {
;; e:
;;   %0 = fcmp olt double %a0, %a1
;;   %1 = select i1 %0, double %a0, double %a1
;;   %2 = fcmp olt double %a1, %a0
;;   %3 = select i1 %2, double %a1, double %a0
;;   %4 = bitcast double %1 to i64
;;   %5 = bitcast double %3 to i64
;;   %6 = or i64 %4, %5
;;   %7 = bitcast i64 %6 to double
;;   %8 = fcmp uno double %a0, %a1
;;   %9 = fadd double %a0, %a1
;;   %10 = select i1 %8, double %9, double %7
;;   ret double %10
;; }
;; define internal float @m0f2(ptr noundef nonnull align 64 dereferenceable(288) %c) #0 {
;; e:
;;   ret float bitcast (i32 2141192192 to float)
;; }
;; define internal double @m0f3(ptr noundef nonnull align 64 dereferenceable(288) %c, double %a0) #0 {
;; e:
;;   %0 = call double @llvm.fabs.f64(double %a0)
;;   %1 = fneg double %0
;;   ret double %1
;; }
