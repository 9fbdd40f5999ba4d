// The other side of the comparison: makes the same calls in V8 and prints what it saw, one observation a line.
'use strict';
const fs = require('fs');

// Traps by V8's messages; names are those of TrapCode where V8 tells as much.
const traps = [
  [/unreachable/, 'Unreachable'], [/divide by zero|remainder by zero/, 'IntegerDivideByZero'], [/divide result unrepresentable/, 'IntegerOverflow'],
  [/float unrepresentable/, 'Conversion'], [/memory access out of bounds|data segment/, 'MemoryOutOfBounds'],
  [/table index is out of bounds/, 'TableIndex'], [/table access out of bounds|element segment|table out of bounds/, 'TableOutOfBounds'],
  [/null function or function signature|signature mismatch/, 'Callee'], [/Maximum call stack/, 'StackOverflow'],
];
const trapOf = error => (traps.find(([pattern]) => pattern.test(error.message)) || [0, `${error.name}: ${error.message}`])[1];

class Host {
  constructor(module) {
    this.sum = 0n;
    this.env = {
      mix: (a, b) => this.sum = BigInt.asUintN(64, (this.sum * 31n + BigInt(a >>> 0)) ^ BigInt.asUintN(64, b)),
      scale: (a, b) => { const x = a * 0.5 + b; return Number.isNaN(x) ? 0 : x; },
      wrap: a => a === 0 ? null : { a },
      unwrap: reference => reference === null ? 0 : reference.a,
      grow: n => { try { return this.memory ? this.memory.grow(n & 3) : -1; } catch { return -1; } },
    };
    for (const { name } of WebAssembly.Module.imports(module)) this.define(name, ...name.split('.'));
  }

  define(name, kind, first, second, third) {
    if (kind === 'memory') this.env[name] = new WebAssembly.Memory({ initial: +first, maximum: +second });
    if (kind === 'table') this.env[name] = new WebAssembly.Table({ element: 'anyfunc', initial: +first, maximum: +second });
    if (kind === 'global') {
      const values = { i32: 12345678 + +third, i64: 0x123456789abcdefn + BigInt(third), f32: 1.5 + +third, f64: -2.25 - third };
      this.env[name] = new WebAssembly.Global({ value: first, mutable: second === 'var' }, values[first]);
    }
  }
}

const hex = value => (typeof value === 'bigint' ? BigInt.asUintN(64, value) : value >>> 0).toString(16);

function memoryHash(memory) {
  if (!memory) return '-';
  const words = new Int32Array(memory.buffer);
  let hash = 0;
  for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]) | 0;
  return `${words.length}:${hex(hash)}`;
}

function instantiate(module) {
  const host = new Host(module);
  const instance = new WebAssembly.Instance(module, { env: host.env });
  host.memory = instance.exports.memory;
  return { host, exports: instance.exports };
}

function run(wasm, calls, report) {
  let module;
  try { module = new WebAssembly.Module(wasm); } catch (error) { return report('compile', error.message); }
  let current;
  for (const [name, first, second] of calls) {
    const call = `${name}(${first},${second})`;
    try { current ??= instantiate(module); } catch (error) { return report('start', trapOf(error)); }
    try {
      let results = current.exports[name](first, BigInt(second));
      if (results === undefined) results = [];
      if (!Array.isArray(results)) results = [results];
      const state = `${memoryHash(current.host.memory)} ${hex(current.exports.digest())} ${hex(current.host.sum)}`;
      report(call, '', results.map(hex).join(' '), state);
    } catch (error) {
      report(call, trapOf(error));
      current = undefined;
    }
  }
}

const { modules } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const lines = [];
modules.forEach(({ wasm, calls }, index) =>
  run(Buffer.from(wasm, 'base64'), calls, (call, trap, values = '', state = '') => lines.push([index, call, trap, values, state].join('\t'))));
fs.writeFileSync(1, lines.join('\n') + '\n');
