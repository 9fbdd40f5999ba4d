(module
  (table $fixed 4 4 externref)
  (table $growing 1 funcref)
  (elem declare func $f)
  (func $f (export "f"))
  (func (export "get") (param i32) (result externref) (table.get $fixed (local.get 0)))
  (func (export "set") (param i32 externref) (table.set $fixed (local.get 0) (local.get 1)))
  (func (export "set function") (param i32) (table.set $growing (local.get 0) (ref.func $f)))
  (func (export "is null") (param i32) (result i32) (ref.is_null (table.get $growing (local.get 0))))
  (func (export "size") (result i32) (i32.add (table.size $growing) (table.grow $growing (ref.null func) (i32.const 1)))))

;; ---- IR ----
;; define internal void @m0f0(ptr noundef nonnull align 64 dereferenceable(384) %c) #0 {
;; e:
;;   ret void
;; }
;; define internal ptr @m0f1(ptr noundef nonnull align 64 dereferenceable(384) %c, i32 %a0) #0 {
;; e:
;;   %0 = icmp ult i32 %a0, 4
;;   br i1 %0, label %b0, label %t0
;; b0:
;;   %1 = zext i32 %a0 to i64
;;   %2 = call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 %a0, i32 4) #3
;;   %3 = and i64 %1, %2
;;   %4 = getelementptr i8, ptr %c, i64 152
;;   %5 = load ptr, ptr %4, align 8, !invariant.load !0
;;   %6 = load ptr, ptr %5, align 8, !invariant.load !0
;;   %7 = getelementptr [32 x i8], ptr %6, i64 %3
;;   %8 = getelementptr i8, ptr %7, i64 24
;;   %9 = load ptr, ptr %8, align 8, !tbaa !12
;;   ret ptr %9
;; t0:
;;   call void @raise(ptr %c, i32 6)
;;   unreachable
;; }
;; define internal void @m0f2(ptr noundef nonnull align 64 dereferenceable(384) %c, i32 %a0, ptr %a1) #0 {
;; e:
;;   %0 = icmp ult i32 %a0, 4
;;   br i1 %0, label %b0, label %t0
;; b0:
;;   %1 = zext i32 %a0 to i64
;;   %2 = call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 %a0, i32 4) #3
;;   %3 = and i64 %1, %2
;;   %4 = getelementptr i8, ptr %c, i64 152
;;   %5 = load ptr, ptr %4, align 8, !invariant.load !0
;;   %6 = load ptr, ptr %5, align 8, !invariant.load !0
;;   %7 = getelementptr [32 x i8], ptr %6, i64 %3
;;   %8 = getelementptr i8, ptr %7, i64 24
;;   store ptr %a1, ptr %8, align 8, !tbaa !12
;;   ret void
;; t0:
;;   call void @raise(ptr %c, i32 6)
;;   unreachable
;; }
;; define internal void @m0f3(ptr noundef nonnull align 64 dereferenceable(384) %c, i32 %a0) #0 {
;; e:
;;   %0 = getelementptr i8, ptr %c, i64 192
;;   %1 = getelementptr i8, ptr %c, i64 160
;;   %2 = load ptr, ptr %1, align 8, !invariant.load !0
;;   %3 = getelementptr i8, ptr %2, i64 8
;;   %4 = load i32, ptr %3, align 8, !tbaa !12
;;   %5 = icmp ult i32 %a0, %4
;;   br i1 %5, label %b0, label %t0
;; b0:
;;   %6 = zext i32 %a0 to i64
;;   %7 = call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 %a0, i32 %4) #3
;;   %8 = and i64 %6, %7
;;   %9 = getelementptr i8, ptr %c, i64 160
;;   %10 = load ptr, ptr %9, align 8, !invariant.load !0
;;   %11 = load ptr, ptr %10, align 8, !tbaa !12
;;   %12 = getelementptr [32 x i8], ptr %11, i64 %8
;;   %13 = icmp eq ptr %0, null
;;   %14 = select i1 %13, ptr @null.record, ptr %0
;;   %15 = load <4 x i64>, ptr %14, align 8, !tbaa !14
;;   store <4 x i64> %15, ptr %12, align 8, !tbaa !12
;;   ret void
;; t0:
;;   call void @raise(ptr %c, i32 6)
;;   unreachable
;; }
;; define internal i32 @m0f4(ptr noundef nonnull align 64 dereferenceable(384) %c, i32 %a0) #0 {
;; e:
;;   %0 = getelementptr i8, ptr %c, i64 160
;;   %1 = load ptr, ptr %0, align 8, !invariant.load !0
;;   %2 = getelementptr i8, ptr %1, i64 8
;;   %3 = load i32, ptr %2, align 8, !tbaa !12
;;   %4 = icmp ult i32 %a0, %3
;;   br i1 %4, label %b0, label %t0
;; b0:
;;   %5 = zext i32 %a0 to i64
;;   %6 = call i64 asm "cmpl $2, $1\0Asbbq $0, $0", "=r,r,r,~{flags}"(i32 %a0, i32 %3) #3
;;   %7 = and i64 %5, %6
;;   %8 = getelementptr i8, ptr %c, i64 160
;;   %9 = load ptr, ptr %8, align 8, !invariant.load !0
;;   %10 = load ptr, ptr %9, align 8, !tbaa !12
;;   %11 = getelementptr [32 x i8], ptr %10, i64 %7
;;   %12 = getelementptr i8, ptr %11, i64 24
;;   %13 = load ptr, ptr %12, align 8, !tbaa !12
;;   %14 = icmp eq ptr %13, null
;;   %15 = zext i1 %14 to i32
;;   ret i32 %15
;; t0:
;;   call void @raise(ptr %c, i32 6)
;;   unreachable
;; }
;; define internal i32 @m0f5(ptr noundef nonnull align 64 dereferenceable(384) %c) #0 {
;; e:
;;   %sp = call i64 @llvm.read_register.i64(metadata !1)
;;   %sl = getelementptr i8, ptr %c, i64 16
;;   %sm = load i64, ptr %sl, align 8, !tbaa !6
;;   %so = icmp ult i64 %sp, %sm
;;   br i1 %so, label %t0, label %b0
;; b0:
;;   %0 = getelementptr i8, ptr %c, i64 160
;;   %1 = load ptr, ptr %0, align 8, !invariant.load !0
;;   %2 = getelementptr i8, ptr %1, i64 8
;;   %3 = load i32, ptr %2, align 8, !tbaa !12
;;   %4 = call i32 @table.grow(ptr %c, i32 1, ptr null, i32 1)
;;   %5 = add i32 %3, %4
;;   ret i32 %5
;; t0:
;;   call void @raise(ptr %c, i32 10)
;;   unreachable
;; }
