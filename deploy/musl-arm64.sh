#!/usr/bin/env bash
# Unpacks musl's headers and library for arm64 (about 1 MB of Debian's packages); the first `bimetal build` for linux-musl-arm64 runs it.
#   deploy/musl-arm64.sh [FOLDER]      default: artifacts/musl-arm64, where `bimetal build` looks; elsewhere: set BIMETAL_MUSL_ARM64
# The system is not changed: apt works on lists and a cache of its own, and no foreign architecture is added.
set -eu
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:-$root/artifacts/musl-arm64}
case $target in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ ! -e "$target/usr/lib/aarch64-linux-musl/libc.so" ] || exit 0
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || { echo "musl-arm64: there is no $tool here: unpack the arm64 packages musl and musl-dev into $target by hand" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
options=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null
  -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=1 -o Acquire::http::Timeout=15 -o Debug::NoLocking=1)
if ! { apt-get "${options[@]}" update && cd "$work" && apt-get "${options[@]}" download musl musl-dev; } >"$work/log" 2>&1; then
  tail -n 5 "$work/log" >&2
  echo "musl-arm64: the packages musl and musl-dev for arm64 could not be fetched" >&2
  exit 1
fi
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
# As on a system with a merged /usr. The loader's link beside it is relative and stays true.
cp -a "$work/root/lib/." "$work/root/usr/lib/" && rm -rf "$work/root/lib" && ln -s usr/lib "$work/root/lib"
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$work/root" "$target"
chmod 755 "$target"
