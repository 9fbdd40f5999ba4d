# From the samples of ./run to its table and its JSON. Medians over rounds; intervals are the least and the greatest round, which for five rounds hold the
# median at 94 %. Exit 1 when there were errors.

function put(list, pair, value) { count[list, pair]++; values[list, pair, count[list, pair]] = value + 0 }

function order(list, pair,    n, i, j, t) {
  n = count[list, pair]
  for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
    if (values[list, pair, j] < values[list, pair, i]) { t = values[list, pair, i]; values[list, pair, i] = values[list, pair, j]; values[list, pair, j] = t }
  return n
}

function median(list, pair,    n) {
  n = order(list, pair)
  if (n == 0) return 0
  return n % 2 ? values[list, pair, (n + 1) / 2] : (values[list, pair, n / 2] + values[list, pair, n / 2 + 1]) / 2
}

function interval(list, pair,    n) { n = order(list, pair); return sprintf("[%.0f,%.0f]", values[list, pair, 1], values[list, pair, n]) }

function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }

FILENAME ~ /closed.txt$/ {
  put("rps", $1, $2 / $4)
  put("cpu", $1, $5 / $2)
  if ($6 > 0) put("bytes", $1, $6 / $2)
  requests[$1] += $2
  errors[$1] += $3
}

FILENAME ~ /fixed.txt$/ { put("p50", $1, $4); put("p99", $1, $5); requests[$1] += $2; errors[$1] += $3 }

FILENAME ~ /rss.txt$/ { rss[$1] = $2; pairs[++pairCount] = $1 }

function ratio(name, left, right, list, goal, isMost,    value, verdict) {
  if (median(list, right) == 0) { printf "%-58s not measured\n", name; total++; return }
  value = median(list, left) / median(list, right)
  verdict = (isMost ? value <= goal : value >= goal) ? "reached" : "missed"
  printf "%-58s %6.2f  goal %s %.2f: %s\n", name, value, isMost ? "<=" : ">=", goal, verdict
  ratios = ratios (ratios == "" ? "" : ",") sprintf("{\"name\":%s,\"value\":%.3f,\"goal\":%.2f,\"reached\":%s}", quoted(name), value, goal, verdict == "reached" ? "true" : "false")
}

function limit(name, value, goal, unit,    verdict) {
  verdict = value <= goal ? "reached" : "missed"
  printf "%-58s %6.1f  goal <= %d %s: %s\n", name, value, goal, unit, verdict
  ratios = ratios (ratios == "" ? "" : ",") sprintf("{\"name\":%s,\"value\":%.1f,\"goal\":%d,\"reached\":%s}", quoted(name), value, goal, verdict == "reached" ? "true" : "false")
}

END {
  start["bimetal"] = startBimetal; start["nginx"] = startNginx; start["haproxy"] = startHaproxy
  printf "%s; %d workers, %d connections, %d rounds of %d s; fixed rate %d/s\n", cpu, workers, connections, rounds, seconds, rate
  printf "%-14s %-9s %9s %19s %8s %8s %9s %9s %8s %7s\n", "scenario", "who", "req/s", "rounds", "p50 us", "p99 us", "cpu us/r", "bytes/r", "RSS MiB", "errors"
  for (i = 1; i <= pairCount; i++) {
    pair = pairs[i]; split(pair, part, ":")
    range = interval("rps", pair); gsub(/,/, " - ", range); gsub(/[][]/, "", range)
    allocated = count["bytes", pair] ? sprintf("%.0f", median("bytes", pair)) : ""
    printf "%-14s %-9s %9.0f %19s %8.0f %8.0f %9.1f %9s %8.1f %7d\n", part[1], part[2], median("rps", pair), range, median("p50", pair), median("p99", pair), median("cpu", pair), allocated == "" ? "-" : allocated, rss[pair] / 1048576, errors[pair]
    run = sprintf("{\"scenario\":%s,\"contestant\":%s,\"requestsPerSecond\":%.1f,\"requestsPerSecondInterval\":%s,\"p50Us\":%.0f,\"p50UsInterval\":%s,\"p99Us\":%.0f,\"p99UsInterval\":%s,\"errors\":%d,\"requests\":%d,\"cpuUsPerRequest\":%.2f,\"rssBytes\":%d",
      quoted(part[1]), quoted(part[2]), median("rps", pair), interval("rps", pair), median("p50", pair), interval("p50", pair), median("p99", pair), interval("p99", pair), errors[pair], requests[pair], median("cpu", pair), rss[pair])
    if (allocated != "") run = run ",\"allocatedBytesPerRequest\":" allocated
    if (part[1] == "proxy") run = run ",\"startMs\":" start[part[2]]
    runs = runs (runs == "" ? "" : ",") run "}"
    total += errors[pair]
  }

  printf "start to first answer, ms: bimetal with five precompiled plugins %s, nginx %s, haproxy %s (plain proxies)\n\n", startBimetal, startNginx, startHaproxy
  ratio("proxied requests per second, bimetal / nginx", "proxy:bimetal", "proxy:nginx", "rps", 0.75, 0)
  ratio("p99 at the fixed rate, bimetal / nginx", "proxy:bimetal", "proxy:nginx", "p99", 1.3, 1)
  ratio("chain, bimetal / haproxy with its JWT check alone", "chain:bimetal", "chain:haproxy", "rps", 0.8, 0)
  limit("start with five precompiled plugins", startBimetal, 60, "ms")
  if (million > 0) limit("memory after a million requests", rss["proxy:bimetal"] / 1048576, 48, "MiB")
  printf "{\"schema\":\"bimetal.gateway-bench/1\",\"machine\":{\"cpu\":%s,\"kernel\":%s,\"date\":%s},\"versions\":{\"bimetal\":%s,\"nginx\":%s,\"haproxy\":%s},", quoted(cpu), quoted(kernel), quoted(date), quoted(bimetal), quoted(nginx), quoted(haproxy) > json
  printf "\"settings\":{\"workers\":%d,\"connections\":%d,\"rounds\":%d,\"secondsPerRound\":%d,\"fixedRate\":%d},\"runs\":[%s],\"goals\":[%s]}\n", workers, connections, rounds, seconds, rate, runs, ratios > json
  exit total > 0
}
