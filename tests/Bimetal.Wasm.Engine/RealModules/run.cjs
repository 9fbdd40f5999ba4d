// node run.cjs MODULE STEPS: what RealModuleTests.cs does with the engine, in V8. A step is a line of words; each prints one line.
const fs = require('fs');

const module_ = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
const imports = {};
for (const { module, name } of WebAssembly.Module.imports(module_)) (imports[module] ??= {})[name] = () => 0;
const { exports: guest } = new WebAssembly.Instance(module_, imports);
const memory = Object.values(guest).find(value => value instanceof WebAssembly.Memory);
const results = [];

// 12, $0 (the first step's result), $0+4.
const number = word => {
  if (!word.startsWith('$')) return Number(word);
  const [step, more] = word.slice(1).split('+');
  return results[Number(step)] + Number(more ?? 0);
};

for (const line of fs.readFileSync(process.argv[3], 'utf8').split('\n').filter(Boolean)) {
  const [verb, name, ...words] = line.split(' ');
  let result = 0;
  if (verb === 'call') result = guest[name](...words.map(word => word.endsWith('n') ? BigInt(word.slice(0, -1)) : number(word)));
  if (verb === 'write') new Uint8Array(memory.buffer).set(Buffer.from(words[0], 'hex'), number(name));
  if (verb === 'load') result = new DataView(memory.buffer).getInt32(number(name), true);
  if (verb === 'read') console.log(Buffer.from(memory.buffer, number(name), number(words[0])).toString('hex'));
  else console.log(`${result ?? 0}`);
  results.push(Number(result ?? 0));
}
