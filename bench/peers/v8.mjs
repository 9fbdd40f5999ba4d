// The peer V8 in Node: runs the same .wasm with the same exchanges.
//   node v8.mjs PLUGIN.wasm EXCHANGES.json
// Prints one line of JSON: how each exchange ended, the microseconds from bytes to the first answer as shipped (compile, instantiate, configure and
// serve, as a host does that compiles per request), those of the steps alone, and the medians of warm exchanges.
import { readFileSync } from 'node:fs';
import { Host, median, readExchanges } from './proxy_wasm_host.mjs';

const [modulePath, exchangesPath] = process.argv.slice(2);
const bytes = readFileSync(modulePath);
const input = readExchanges(readFileSync(exchangesPath, 'utf8'));
const exchanges = input.exchanges;
const elapsedUs = (since) => Number(process.hrtime.bigint() - since) / 1000;

const steps = { compile: [], total: [] };
for (let run = 0; run < 9; run++) {
  // Another custom section each time: the engine keeps compiled code by the module's bytes.
  const fresh = new Uint8Array(bytes.length + 4);
  fresh.set(bytes);
  fresh.set([0, 2, 1, 65 + run], bytes.length);
  const begin = process.hrtime.bigint();
  const module = new WebAssembly.Module(fresh);
  steps.compile.push(elapsedUs(begin));
  new Host(input).start(module).serve(exchanges[0]);
  steps.total.push(elapsedUs(begin));
}

const module = new WebAssembly.Module(bytes);
const host = new Host(input).start(module);
const ends = exchanges.map((exchange) => host.serve(exchange));
// Time enough for the optimising tier, then medians over passes of each exchange's time.
const until = Date.now() + 200;
while (Date.now() < until) for (const exchange of exchanges) host.serve(exchange);
const warm = [], enough = Date.now() + 300;
for (let pass = 0; pass < 20 || (pass < 200 && Date.now() < enough); pass++) {
  for (const exchange of exchanges) {
    const begin = process.hrtime.bigint();
    host.serve(exchange);
    warm.push(elapsedUs(begin));
  }
}
const instantiated = [];
for (let run = 0; run < 50; run++) {
  const begin = process.hrtime.bigint();
  new Host(input).start(module).serve(exchanges[run % exchanges.length]);
  instantiated.push(elapsedUs(begin));
}
console.log(JSON.stringify({
  version: process.versions.v8,
  ends,
  coldUs: median(steps.total),
  compileUs: median(steps.compile),
  callP50Us: median(warm),
  requestP50Us: median(instantiated),
}));
