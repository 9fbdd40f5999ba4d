# The table or the JSON of a run, from skipped.tsv (contestant, kernel, reason) and samples.tsv (kernel, contestant, round, iterations,
# nanoseconds of the fastest call). A figure is the median of the rounds.

BEGIN { FS = "\t" }

FILENAME ~ /skipped\.tsv$/ { skippedCount++; skippedContestant[skippedCount] = $1; skippedKernel[skippedCount] = $2; skippedReason[skippedCount] = $3; next }

{
  count = ++samples[$1, $2]
  ns = $5 / $4
  # Kept in order.
  for (i = count; i > 1 && sorted[$1, $2, i - 1] > ns; i--) sorted[$1, $2, i] = sorted[$1, $2, i - 1]
  sorted[$1, $2, i] = ns
  iterations[$1] = $4
}

function has(kernel, contestant) { return (kernel, contestant) in samples }

function at_rank(kernel, contestant, share,    count, rank) {
  count = samples[kernel, contestant]
  rank = 1 + int(share * (count - 1) + 0.5)
  return sorted[kernel, contestant, rank]
}

function median(kernel, contestant) { return at_rank(kernel, contestant, 0.5) }

function ratio(kernel, contestant) { return median(kernel, contestant) / median(kernel, "native") }

# Half of the rounds lie within this share of the median: the widest of all contestants.
function noise(kernel,    i, share, widest) {
  widest = 0
  for (i = 1; i <= contestantCount; i++) {
    if (!has(kernel, contestant[i])) continue
    share = (at_rank(kernel, contestant[i], 0.75) - at_rank(kernel, contestant[i], 0.25)) / median(kernel, contestant[i])
    if (share > widest) widest = share
  }
  return widest
}

function geomean(who,    i, sum, count) {
  for (i = 1; i <= kernelCount; i++) {
    if (!has(kernel[i], who)) continue
    sum += log(ratio(kernel[i], who))
    count++
  }
  return count ? exp(sum / count) : 0
}

# Bimetal's time as a ratio to the better of V8 and wasm2c; 0 without both.
function to_best(kernel,    best) {
  best = 0
  if (has(kernel, "v8")) best = median(kernel, "v8")
  if (has(kernel, "wasm2c") && (best == 0 || median(kernel, "wasm2c") < best)) best = median(kernel, "wasm2c")
  return best ? median(kernel, "bimetal") / best : 0
}

function cell(number) { return number ? sprintf("%10.2f", number) : sprintf("%10s", "-") }

function quoted(text) {
  gsub(/\\/, "\\\\", text)
  gsub(/"/, "\\\"", text)
  gsub(/[\001-\037]/, " ", text)
  return "\"" text "\""
}

function table(    i) {
  printf "%s, %d cores, %s, load %s; %s\n", cpu, cores, os, load, level
  printf "%d round%s of %d calls; native in ns an iteration, the others as ratios to it (lower is better)\n\n", rounds, rounds == 1 ? "" : "s", calls
  printf "%-14s %11s %10s %10s %10s %10s %10s %8s\n", "kernel", "native ns", "bimetal", "relaxed", "wasm2c", "v8", "to best*", "noise"
  for (i = 1; i <= kernelCount; i++) row(kernel[i])
  printf "%-14s %11s %s %s %s %s\n", "geomean", "", cell(geomean("bimetal")), cell(geomean("bimetalRelaxed")), cell(geomean("wasm2c")), cell(geomean("v8"))
  print "\n* bimetal (conformant) as a ratio to the better of wasm2c and V8. Noise: spread of the middle half of the rounds."
  if (quick == "true") print "A quick run: the figures mean nothing."
}

function optional(kernel, who) { return cell(has(kernel, who) ? ratio(kernel, who) : 0) }

function row(name) {
  printf "%-14s %11.1f %s %s %s %s %s %7.1f%%\n", name, median(name, "native"), optional(name, "bimetal"), optional(name, "bimetalRelaxed"),
    optional(name, "wasm2c"), optional(name, "v8"), cell(to_best(name)), noise(name) * 100
}

function json(    i, k, comma) {
  print "{"
  print "  \"schema\": \"bimetal.enginebench/1\","
  printf "  \"machine\": { \"cpu\": %s, \"cores\": %d, \"kernel\": %s, \"date\": %s, \"load\": %s },\n", quoted(cpu), cores, quoted(os), quoted(date), load
  printf "  \"tools\": %s,\n", quoted(tools)
  printf "  \"settings\": { \"cpuLevel\": %s, \"rounds\": %d, \"callsPerRound\": %d, \"quick\": %s },\n", quoted(level), rounds, calls, quick
  print "  \"kernels\": ["
  for (i = 1; i <= kernelCount; i++) {
    printf "    { \"kernel\": %s, \"iterations\": %d", quoted(kernel[i]), iterations[kernel[i]]
    for (k = 1; k <= contestantCount; k++) {
      if (has(kernel[i], contestant[k])) printf ", \"%sNs\": %.2f", contestant[k], median(kernel[i], contestant[k])
    }
    printf ", \"noise\": %.4f }%s\n", noise(kernel[i]), i < kernelCount ? "," : ""
  }
  print "  ],"
  printf "  \"geomean\": {"
  for (k = 2; k <= contestantCount; k++) {
    if (!geomean(contestant[k])) continue
    printf "%s \"%s\": %.4f", comma, contestant[k], geomean(contestant[k])
    comma = ","
  }
  print " },"
  print "  \"skipped\": ["
  for (i = 1; i <= skippedCount; i++) {
    printf "    { \"contestant\": %s, \"kernel\": %s, \"reason\": %s }%s\n", quoted(skippedContestant[i]), quoted(skippedKernel[i]), quoted(skippedReason[i]), i < skippedCount ? "," : ""
  }
  print "  ]"
  print "}"
}

END {
  # Split on spaces whatever FS is.
  kernelCount = split(kernels, kernel, " ")
  contestantCount = split(contestants, contestant, " ")
  if (format == "json") json()
  else table()
}
