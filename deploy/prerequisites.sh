# Sourced by ./bimetal, ./test and the benches: says what is missing, and installs it from Debian's packages when it may.
# Defines functions, and `install` (yes, unless the caller was given --no-install).

install=${install-yes}

say() { printf 'bimetal: %s\n' "$*" >&2; }

# Debian package of a command or file.
package_of() {
  case $1 in
    clang-19) echo clang-19 ;;
    ld.lld-19) echo lld-19 ;;
    wast2json | wat2wasm | wasm2c) echo wabt ;;
    llvm-nm-19 | llvm-objdump-19) echo llvm-19 ;;
    qemu-aarch64) echo qemu-user ;;
    aarch64-linux-gnu-gcc) echo gcc-aarch64-linux-gnu ;;
    /usr/aarch64-linux-gnu/lib/libc.so.6) echo libc6-dev-arm64-cross ;;
    nginx) echo nginx ;;
    wrk) echo wrk ;;
    haproxy) echo haproxy ;;
    openssl) echo openssl ;;
    h2load) echo nghttp2-client ;;
    node) echo nodejs ;;
    npm) echo npm ;;
    /usr/bin/rustc) echo rustc ;;
    /usr/lib/rustlib/wasm32-unknown-unknown/lib) echo libstd-rust-dev-wasm32 ;;
    curl) echo curl ;;
    skopeo) echo skopeo ;;
    openssl) echo openssl ;;
    docker-registry) echo docker-registry ;;
    debootstrap) echo debootstrap ;;
    /usr/lib/x86_64-linux-musl/libc.so) echo musl-dev ;;
    redis-server) echo redis-server ;;
    chromium) echo chromium ;;
    /usr/include/wasm32-wasi/stdio.h) echo wasi-libc ;;
    /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a) echo libclang-rt-19-dev-wasm32 ;;
    /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.tsan-x86_64.a) echo libclang-rt-19-dev ;;
    *) return 1 ;;
  esac
}

present() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null 2>&1 ;; esac; }

# require COMMAND-OR-FILE…: true when all are there, after installing what was missing if that is allowed.
require() {
  local item package packages=() unknown=()
  for item; do
    present "$item" && continue
    if package=$(package_of "$item"); then packages+=("$package"); else unknown+=("$item"); fi
  done
  for item in "${unknown[@]}"; do
    case $item in
      dotnet) say "missing: the .NET SDK 10 (command: dotnet). Install it from your distribution or from https://dot.net" ;;
      *) say "missing: $item" ;;
    esac
  done
  [ ${#unknown[@]} -eq 0 ] || return 1
  [ ${#packages[@]} -eq 0 ] && return 0
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  # Another apt-get may be at work, on a machine that is being set up for example: wait for it.
  local sudo= options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300)
  [ "$(id -u)" = 0 ] || sudo='sudo '
  say "missing: ${packages[*]}"
  say "what installs it: ${sudo}apt-get install -y --no-install-recommends ${packages[*]}"
  if [ "$install" = no ]; then say "not installed, because of --no-install"; return 1; fi
  if ! command -v apt-get >/dev/null; then say "there is no apt-get here: install the equivalents by hand"; return 1; fi
  if [ -t 0 ] && [ -t 2 ]; then
    local answer
    read -r -p 'bimetal: run it now? [Y/n] ' answer
    case $answer in n* | N*) return 1 ;; esac
  fi
  local log
  log=$(mktemp)
  if ! { ${sudo}apt-get install "${options[@]}" "${packages[@]}" || {
    ${sudo}apt-get update && ${sudo}apt-get install "${options[@]}" "${packages[@]}"; }; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    say "the installation failed"
    return 1
  fi
  rm -f "$log"
  say "installed: ${packages[*]}"
}
