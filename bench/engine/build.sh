# Sourced by ./run: finds the contestants and builds what they run. Everything goes to build/, and is built again when a source, a flag
# or a tool changes.

level=x86-64-v2
optimisation=(-O2 -std=c17 -Wall -Wextra -Werror)
# The flags of native plugins. Without -mtune=generic clang takes -march=x86-64-v2 also as a wish for code that suits a processor of 2011
# (rotations by shld, which halve the speed of SHA-256 on others); all compiled contestants are tuned the same way.
native_flags=("${optimisation[@]}" "-march=$level" -mtune=generic)
# What `bimetal build` gives to plugins.
wasm_flags=("${optimisation[@]}" --target=wasm32 -mbulk-memory -msign-ext -mnontrapping-fptoint -nostdlib -Wl,--no-entry)
# What wasm2c writes is not ours to warn about.
wasm2c_flags=(-O2 -std=gnu17 "-march=$level" -mtune=generic -w)

# skip CONTESTANT KERNEL REASON: notes why a figure will be missing; "*" is every kernel.
skip() {
  local place=" on $2"
  [ "$2" = '*' ] && place=
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$build/skipped.tsv"
  say "without $1$place: $3"
}

runs() { [[ " ${contestants[*]} " == *" $1 "* ]]; }

# Sets contestants and wasm2c_runtime.
find_contestants() {
  : >"$build/skipped.tsv"
  contestants=(native bimetal bimetalRelaxed)
  wasm2c_runtime=
  local folder
  for folder in ${WASM2C_RUNTIME:+"$WASM2C_RUNTIME"} /usr/share/wabt/wasm2c /usr/local/share/wabt/wasm2c; do
    [ -z "$wasm2c_runtime" ] && [ -e "$folder/wasm-rt-impl.c" ] && wasm2c_runtime=$folder
  done
  if ! command -v wasm2c >/dev/null; then skip wasm2c '*' 'wasm2c is not installed (apt-get install wabt)'
  elif [ -z "$wasm2c_runtime" ]; then skip wasm2c '*' 'its runtime (wasm-rt-impl.c) was not found; set WASM2C_RUNTIME to its folder'
  else contestants+=(wasm2c); fi
  if ! command -v node >/dev/null; then skip v8 '*' 'node is not installed (apt-get install nodejs)'
  else contestants+=(v8); fi
}

tool_versions() {
  clang-19 --version | head -n 1
  ld.lld-19 --version
  ! runs wasm2c || echo "wasm2c $(wasm2c --version)"
  ! runs v8 || node -p '`node ${process.version}, V8 ${process.versions.v8}`'
}

# build_kernels KERNEL…: native, module, and wasm2c's.
build_kernels() {
  local wanted kernel
  for kernel; do
    wanted=$({ cat "$here/kernels/$kernel.c" "$here"/kernels/*.h "$here/build.sh" "$here"/contestants/*.c; tool_versions; } | sha256sum)
    if [ "$(cat "$build/$kernel.built" 2>/dev/null)" != "$wanted" ]; then
      rm -rf "$build/$kernel".*
      build_kernel "$kernel" || return 1
      printf '%s\n' "$wanted" >"$build/$kernel.built"
    fi
    if runs wasm2c && [ ! -x "$build/$kernel.wasm2c" ]; then skip wasm2c "$kernel" "$(cat "$build/$kernel.wasm2c-refused")"; fi
  done
}

build_kernel() {
  local kernel=$1 source=$here/kernels/$1.c features=()
  [ "$kernel" = simd ] && features=(-msimd128)
  clang-19 "${native_flags[@]}" -c "$source" -o "$build/$kernel.o" &&
    clang-19 "${native_flags[@]}" "$here/contestants/driver.c" "$build/$kernel.o" -lm -o "$build/$kernel.native" &&
    clang-19 "${wasm_flags[@]}" "${features[@]}" "$source" -o "$build/$kernel.wasm" || return 1
  ! runs wasm2c || build_wasm2c "$kernel"
}

# A module that wasm2c does not take (SIMD in 1.0.32) costs that one figure.
build_wasm2c() {
  local folder=$build/$1.c
  mkdir -p "$folder"
  # In a shell of its own, which is the one that reports an abort: wasm2c aborts on what it does not know.
  if ! (ulimit -c 0; wasm2c -n kernel "$build/$1.wasm" -o "$folder/kernel-wasm2c.c"; exit $?) >"$folder/log" 2>&1; then
    echo "wasm2c $(wasm2c --version) cannot translate it (1.0.32 knows no SIMD)" >"$build/$1.wasm2c-refused"
    return 0
  fi
  if ! clang-19 "${wasm2c_flags[@]}" -I"$folder" -I"$wasm2c_runtime" "$here/contestants/driver.c" "$here/contestants/wasm2c.c" \
    "$folder/kernel-wasm2c.c" "$wasm2c_runtime/wasm-rt-impl.c" -lm -o "$build/$1.wasm2c" >"$folder/log" 2>&1; then
    echo "what wasm2c $(wasm2c --version) wrote does not compile: $(grep -m 1 error "$folder/log")" >"$build/$1.wasm2c-refused"
  fi
  return 0
}
