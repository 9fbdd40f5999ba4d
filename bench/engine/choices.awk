# The report of ./choices: for each choice the time without it as a ratio to the time with it, from the fastest of all rounds.
# Input: names.tsv (name, what is without it), then samples.tsv (name, kernel, ns).

FNR == NR { name[++count] = $1; meaning[$1] = $2; next }
{
  if (!($2 in known)) { known[$2] = 1; kernel[++kernelCount] = $2 }
  key = $1 SUBSEP $2
  if (!(key in fastest) || $3 < fastest[key]) fastest[key] = $3
}

function ratio(who, where) { return fastest[who, where] / fastest["chosen", where] }

function geomean(who,    k, sum) {
  for (k = 1; k <= kernelCount; k++) sum += log(ratio(who, kernel[k]))
  return exp(sum / kernelCount)
}

# The kernel where it matters most one way or the other.
function extreme(who, sign,    k, best) {
  best = kernel[1]
  for (k = 2; k <= kernelCount; k++) if (sign * ratio(who, kernel[k]) > sign * ratio(who, best)) best = kernel[k]
  return best
}

function table(    i, high, low) {
  printf "%s, %d rounds. Time without a choice, as a ratio to the time with it: above 1 the choice pays, below 1 it costs.\n\n", cpu, rounds
  printf "%-14s %8s  %-22s %-22s %s\n", "choice", "geomean", "most", "least", "without it"
  for (i = 1; i <= count; i++) {
    high = extreme(name[i], 1)
    low = extreme(name[i], -1)
    printf "%-14s %8.3f  %-22s %-22s %s\n", name[i], geomean(name[i]), sprintf("%.2f %s", ratio(name[i], high), high), sprintf("%.2f %s", ratio(name[i], low), low), meaning[name[i]]
  }
}

function json(    i, k) {
  printf "{\n  \"schema\": \"bimetal.choicesbench/1\",\n  \"cpu\": \"%s\",\n  \"rounds\": %d,\n  \"choices\": [", cpu, rounds
  for (i = 1; i <= count; i++) {
    printf "%s\n    { \"choice\": \"%s\", \"without\": \"%s\", \"geomean\": %.4f, \"kernels\": {", (i > 1 ? "," : ""), name[i], meaning[name[i]], geomean(name[i])
    for (k = 1; k <= kernelCount; k++) printf "%s \"%s\": %.4f", (k > 1 ? "," : ""), kernel[k], ratio(name[i], kernel[k])
    printf " } }"
  }
  print "\n  ]\n}"
}

END { if (format == "json") json(); else table() }
