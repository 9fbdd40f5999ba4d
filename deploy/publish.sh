# Sourced by ./bimetal: publishes the NativeAOT binary. Release builds are net10.0; where its NativeAOT pack cannot be restored, net9.0.
# Analyzers run with the tests (./test), not here. Descriptor 9 is the lock of ./bimetal: the compiler servers that dotnet leaves behind must not have it.

# publish_binary TARGET: builds into a folder of its own, then renames, so that a running binary is never overwritten.
publish_binary() {
  local target=$1 staging framework log started link= output
  staging=$(dirname "$target")/staging
  log=$(dirname "$target")/publish.log
  started=$SECONDS
  framework=$(choose_framework "$log") || return 1
  say "publishing the native binary for $framework (one to three minutes); log: $log"
  rm -rf "$staging"
  output=$artifacts/$framework
  # The linker step of NativeAOT does not quote paths: with a space in them, intermediate files are reached through a link without one.
  if [[ $root =~ [[:space:]] ]]; then
    mkdir -p "$output" && link=$(mktemp -d) && ln -s "$output" "$link/output" && output=$link/output
  fi
  local attempt code=1
  for attempt in 1 2 3; do
    if dotnet publish "$root/src/Bimetal" -c Release -p:BimetalTargetFramework="$framework" -p:BimetalAot=true \
      -p:CppCompilerAndLinker=clang-19 -p:RunAnalyzers=false -p:ArtifactsPath="$output" -o "$staging" -nologo -v:m </dev/null >"$log" 2>&1; then
      mv -f "$staging/bimetal" "$target" && rm -rf "$staging" && code=0
      break
    fi
    # A download that timed out is worth another try; a compile error is not.
    grep -qE 'NU1301|timed out|Unable to load the service index' "$log" || break
    say "a download failed (attempt $attempt of 3)"
  done
  [ -z "$link" ] || rm -rf "$link"
  if [ "$code" = 0 ]; then
    say "published in $((SECONDS - started)) s"
    return 0
  fi
  grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2
  say "publishing failed; the whole log: $log"
  return 1
} 9>&-

# Prints net10.0, or net9.0 when the .NET 10 NativeAOT pack cannot be restored. Remembered per SDK version.
choose_framework() {
  local memory answer
  memory=$artifacts/native/framework.$(dotnet --version)
  if [ -n "${BIMETAL_FRAMEWORK-}" ]; then echo "$BIMETAL_FRAMEWORK"; return; fi
  if answer=$(cat "$memory" 2>/dev/null) && [ -n "$answer" ]; then echo "$answer"; return; fi
  if dotnet restore "$root/src/Bimetal" -p:BimetalTargetFramework=net10.0 -p:BimetalAot=true -nologo -v:q </dev/null >"$1" 2>&1; then
    answer=net10.0
  elif grep -qE 'NU110[0-9]' "$1"; then
    answer=net9.0
    say "the .NET 10 NativeAOT pack cannot be restored here: falling back to net9.0, which has left support"
  else
    grep -E 'error' "$1" | sort -u | head -n 10 >&2
    say "restoring packages failed; the whole log: $1"
    return 1
  fi
  echo "$answer" | tee "$memory"
}
