// The peer V8 on a plugin that was built together with its host (bench/bare): the code alone, no host call leaves the module.
//   node v8_bare.mjs BARE.wasm CONFIGURATION EXCHANGE…
// Prints the median nanoseconds of each exchange, one a line.
import { readFileSync } from 'node:fs';

const [modulePath, configurationPath, ...exchangePaths] = process.argv.slice(2);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(modulePath)));
const write = (bytes) => new Uint8Array(exports.memory.buffer, exports.bare_buffer(), bytes.length).set(bytes);
const configuration = readFileSync(configurationPath);
write(configuration);
if (exports.bare_configure(configuration.length) !== 0) throw new Error('the plugin refuses its configuration');

const exchanges = exchangePaths.map((path) => readFileSync(path));
const take = (exchange) => {
  write(exchange);
  if (exports.bare_exchange_read() !== 0) throw new Error('an exchange is too large');
  exports.bare_run(1);
};
const timeOf = (times) => {
  const begin = process.hrtime.bigint();
  exports.bare_run(times);
  return Number(process.hrtime.bigint() - begin) / times;
};

// Time for the optimising tier.
const until = Date.now() + 150;
while (Date.now() < until) {
  for (const exchange of exchanges) {
    take(exchange);
    exports.bare_run(50);
  }
}
const samples = exchanges.map(() => []);
for (let round = 0; round < 40; round++) {
  exchanges.forEach((exchange, index) => {
    take(exchange);
    const once = timeOf(1);
    samples[index].push(timeOf(Math.max(1, Math.min(2000, Math.ceil(30000 / once)))));
  });
}
for (const values of samples) console.log(values.sort((a, b) => a - b)[values.length >> 1]);
