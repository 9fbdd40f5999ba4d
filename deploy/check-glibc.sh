#!/usr/bin/env bash
# Says which glibc a binary needs, and fails when that is newer than the one that is promised.
#   deploy/check-glibc.sh [BINARY]      default: artifacts/native/bimetal
set -eu
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
case ${1-} in -h | --help) sed -n '2,3s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
binary=${1:-$root/artifacts/native/bimetal}
promised=2.34
tool=$(command -v llvm-objdump-19 || command -v objdump) || { echo "check-glibc: needs llvm-objdump-19 or objdump" >&2; exit 1; }
needed=$("$tool" -T "$binary" | grep -oE 'GLIBC_[0-9]+\.[0-9]+' | sort -u -V | tail -n 1)
[ -n "$needed" ] || { echo "check-glibc: $binary needs no version of glibc at all: is it the published binary?" >&2; exit 1; }
newest=$(printf '%s\n' "GLIBC_$promised" "$needed" | sort -V | tail -n 1)
[ "$newest" = "GLIBC_$promised" ] || { echo "check-glibc: $binary needs $needed, and $promised is promised" >&2; exit 1; }
echo "$binary needs $needed at most; $promised is promised"
