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

const floats = new Float64Array(1), words = new BigUint64Array(floats.buffer);
const bitsOf = number => { floats[0] = number; return words[0]; };
const numberOf = bits => { words[0] = bits; return floats[0]; };
const singleOf = bits => new Float32Array(new Uint32Array([Number(bits)]).buffer)[0];

class Host {
  constructor(module, stubs) {
    this.sum = 0n;
    const mix = bits => this.sum = BigInt.asUintN(64, (this.sum * 31n) + bits);
    this.functions = {
      mix: (a, b) => this.sum = BigInt.asUintN(64, (this.sum * 31n + BigInt(a >>> 0)) ^ BigInt.asUintN(64, b)),
      scale: (a, b) => { const x = a * 0.5 + b; return Number.isNaN(x) ? 0 : x; },
      wrap: a => a === 0 ? null : { a },
      unwrap: reference => reference === null ? 0 : reference.a,
      grow: n => { try { return this.memory ? this.memory.grow(n & 3) : -1; } catch { return -1; } },
      'log-i32': a => { mix(BigInt(a >>> 0)); },
      'log-i64': a => { mix(BigInt.asUintN(64, a)); },
      'log-f32': a => { mix(Number.isNaN(a) ? 1n : bitsOf(a)); },
      'log-f64': a => { mix(Number.isNaN(a) ? 1n : bitsOf(a)); },
    };
    this.imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      const stub = stubs[`${from}.${name}`];
      (this.imports[from] ??= {})[name] = stub ? new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(stub, 'base64'))).exports.f
        : kind === 'function' ? this.functions[name] : this.object(...name.split('.'));
    }
  }

  object(kind, first, second, third) {
    if (kind === 'memory') return new WebAssembly.Memory({ initial: +first, maximum: +second });
    if (kind === 'table') return new WebAssembly.Table({ element: 'anyfunc', initial: +first, maximum: +second });
    if (kind !== 'global') return { kind };
    const values = { i32: 12345678 + +third, i64: 0x123456789abcdefn + BigInt(third), f32: 1.5 + +third, f64: -2.25 - third };
    return new WebAssembly.Global({ value: first, mutable: second === 'var' }, values[first]);
  }
}

const hex = value => (typeof value === 'bigint' ? BigInt.asUintN(64, value) : value >>> 0).toString(16);
const showNumber = number => Number.isNaN(number) ? 'nan' : bitsOf(number).toString(16);
const show = (type, value) => type.endsWith('ref') ? (value === null ? 'null' : 'ref') : type.startsWith('f') ? showNumber(value) : hex(value);
const argument = ([type, bits]) => ({
  i32: () => Number(bits) | 0, i64: () => BigInt.asIntN(64, BigInt(bits)), f32: () => singleOf(bits), f64: () => numberOf(BigInt(bits)),
}[type] ?? (() => null))();

function memoryHash(memory) {
  if (!memory) return '-';
  const words = new Int32Array(memory.buffer);
  let hash = 0;
  for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]) | 0;
  return `${words.length}:${hex(hash)}`;
}

// What the module says itself, or else its exported globals; vectors cannot be seen.
function digest(exports) {
  if (exports.digest) return hex(exports.digest());
  const values = [];
  for (const name in exports) {
    if (!(exports[name] instanceof WebAssembly.Global)) continue;
    let value;
    try { value = exports[name].value; } catch { continue; }
    if (typeof value === 'bigint') values.push(hex(value));
    if (typeof value === 'number') values.push(showNumber(value));
  }
  return values.join(',');
}

function instantiate(module, stubs) {
  const host = new Host(module, stubs);
  const instance = new WebAssembly.Instance(module, host.imports);
  host.memory = instance.exports.memory;
  return { host, exports: instance.exports };
}

function run({ wasm, calls, stubs }, report) {
  let module;
  try { module = new WebAssembly.Module(Buffer.from(wasm, 'base64')); } catch (error) { return report('compile', error.message); }
  let current;
  for (const call of calls) {
    try { current ??= instantiate(module, stubs); } catch (error) { return report('start', trapOf(error)); }
    let results, trap = '';
    try { results = current.exports[call.name](...call.arguments.map(argument)); } catch (error) { trap = trapOf(error); }
    if (trap || results === undefined) results = [];
    if (!Array.isArray(results)) results = [results];
    const state = `${memoryHash(current.host.memory)} ${digest(current.exports)} ${hex(current.host.sum)}`;
    report(call.text, trap, results.map((value, index) => show(call.results[index], value)).join(' '), state);
    if (trap) current = undefined;
  }
}

const { modules } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const lines = [];
modules.forEach((candidate, index) =>
  run(candidate, (call, trap, values = '', state = '') => lines.push([index, call, trap, values, state].join('\t'))));
fs.writeFileSync(1, lines.join('\n') + '\n');
