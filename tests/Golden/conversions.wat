(module
  (func (export "trapping") (param f32) (result i64) (i64.trunc_f32_s (local.get 0)))
  (func (export "saturating") (param f64) (result i32) (i32.trunc_sat_f64_u (local.get 0)))
  (func (export "demote") (param f32) (result f32) (f32.demote_f64 (f64.promote_f32 (local.get 0))))
  (func (export "extend") (param i64) (result i64) (i64.extend16_s (local.get 0))))

;; ---- IR ----
;; define internal i64 @m0f0(ptr noundef nonnull align 64 dereferenceable(288) %c, float %a0) #0 {
;; e:
;;   %0 = fcmp oge float %a0, 0xC3E0000000000000
;;   %1 = fcmp olt float %a0, 0x43E0000000000000
;;   %2 = and i1 %0, %1
;;   br i1 %2, label %b1, label %b0
;; b0:
;;   %3 = fcmp uno float %a0, %a0
;;   br i1 %3, label %t0, label %t1
;; b1:
;;   %4 = fptosi float %a0 to i64
;;   ret i64 %4
;; t0:
;;   call void @raise(ptr %c, i32 4)
;;   unreachable
;; t1:
;;   call void @raise(ptr %c, i32 3)
;;   unreachable
;; }
;; define internal i32 @m0f1(ptr noundef nonnull align 64 dereferenceable(288) %c, double %a0) #0 {
;; e:
;;   %0 = call i32 @llvm.fptoui.sat.i32.f64(double %a0)
;;   ret i32 %0
;; }
;; define internal float @m0f2(ptr noundef nonnull align 64 dereferenceable(288) %c, float %a0) #0 {
;; e:
;;   %0 = fpext float %a0 to double
;;   %1 = call double asm "", "=x,0"(double %0) #3
;;   %2 = fptrunc double %1 to float
;;   ret float %2
;; }
;; define internal i64 @m0f3(ptr noundef nonnull align 64 dereferenceable(288) %c, i64 %a0) #0 {
;; e:
;;   %0 = trunc i64 %a0 to i16
;;   %1 = sext i16 %0 to i64
;;   ret i64 %1
;; }
