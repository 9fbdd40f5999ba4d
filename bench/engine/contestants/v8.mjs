// The host of a kernel in V8: node --no-liftoff v8.mjs KERNEL.wasm ITERATIONS CALLS. Prints what `bimetal invoke --time` prints.
import { readFileSync } from 'node:fs';

const [file, iterationsText, callsText] = process.argv.slice(2);
const iterations = Number(iterationsText);
const calls = Number(callsText);
const { instance } = await WebAssembly.instantiate(readFileSync(file));
const { setup, run } = instance.exports;

setup();
// Without Liftoff there is one tier, TurboFan's; this call makes sure that every function has been compiled before the clock starts.
run(Math.max(1, Math.ceil(iterations / 10)));

const times = [];
let first;
for (let call = 0; call < calls; call++) {
  const start = process.hrtime.bigint();
  const checksum = run(iterations);
  times.push(Number(process.hrtime.bigint() - start));
  first ??= checksum;
  if (checksum !== first) throw new Error(`call ${call} gives ${checksum}, the first gave ${first}: run() leaves state behind`);
}
times.sort((a, b) => a - b);
console.log(`i64:${first}`);
console.log(`fastest ${times[0]} ns, median ${times[calls >> 1]} ns of ${calls} calls`);
