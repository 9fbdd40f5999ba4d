// The peer workerd: runs the same .wasm with the same exchanges in a worker of its own process.
//   node workerd.mjs PLUGIN.wasm EXCHANGES.json
// Prints one line of JSON as v8.mjs does. A worker's clock stands still while it works, so times are taken here: of a request that serves many
// exchanges, minus one that serves none. Cold is from the start of the process to the first answer. Exit 3: there is no workerd here.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, readExchanges } from './proxy_wasm_host.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [modulePath, exchangesPath] = process.argv.slice(2);
const exchanges = readExchanges(readFileSync(exchangesPath, 'utf8')).exchanges.length;
const installed = join(here, 'node_modules', '.bin', 'workerd');
const program = existsSync(installed) ? installed : 'workerd';
const version = spawnSync(program, ['--version'], { encoding: 'utf8' });
if (version.error || version.status !== 0) {
  console.error('Error: there is no workerd here; npm ci --prefix bench/peers installs it');
  process.exit(3);
}

const folder = mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'bimetal-workerd-'));
const socket = join(folder, 'socket');
const elapsedUs = (since) => Number(process.hrtime.bigint() - since) / 1000;
let running = null;

function start() {
  rmSync(socket, { force: true });
  running = spawn(program, ['serve', join(folder, 'config.capnp')], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function stop() {
  const ended = new Promise((done) => running.once('exit', done));
  running.kill('SIGKILL');
  await ended;
  running = null;
}

function get(path) {
  return new Promise((done, fail) => {
    const asked = request({ socketPath: socket, path, timeout: 30_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => { body += chunk; });
      answer.on('end', () => (answer.statusCode === 200 ? done(body) : fail(new Error(`workerd answered ${answer.statusCode}: ${body.slice(0, 200)}`))));
    });
    asked.on('error', fail);
    asked.on('timeout', () => asked.destroy(new Error('workerd did not answer within 30 s')));
    asked.end();
  });
}

async function firstAnswer() {
  const patience = Date.now() + 10_000;
  for (;;) {
    try {
      return await get('/first');
    } catch (error) {
      if (!['ENOENT', 'ECONNREFUSED'].includes(error.code) || Date.now() > patience || running.exitCode !== null) throw error;
      await new Promise((done) => setTimeout(done, 1));
    }
  }
}

async function elapsedOf(path) {
  const begin = process.hrtime.bigint();
  await get(path);
  return elapsedUs(begin);
}

// Microseconds of one exchange: batches of some ten milliseconds against requests that serve nothing, in turns.
async function exchangeUs(path, batches) {
  let times = exchanges;
  while (times < 65536 && await elapsedOf(`${path}?times=${times}`) < 10_000) times *= 2;
  const values = [];
  for (let batch = 0; batch < batches; batch++) {
    const nothing = await elapsedOf(`${path}?times=0`);
    values.push((await elapsedOf(`${path}?times=${times}`) - nothing) / times);
  }
  return median(values);
}

try {
  for (const file of ['proxy_wasm_host.mjs', 'workerd_worker.mjs']) copyFileSync(join(here, file), join(folder, file));
  copyFileSync(modulePath, join(folder, 'plugin.wasm'));
  copyFileSync(exchangesPath, join(folder, 'exchanges.txt'));
  writeFileSync(join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .plugin)],
  sockets = [(name = "http", address = "unix:${socket}", http = (), service = "main")],
);
const plugin :Workerd.Worker = (
  compatibilityDate = "2025-01-01",
  modules = [
    (name = "workerd_worker.mjs", esModule = embed "workerd_worker.mjs"),
    (name = "proxy_wasm_host.mjs", esModule = embed "proxy_wasm_host.mjs"),
    (name = "exchanges.txt", text = embed "exchanges.txt"),
    (name = "plugin.wasm", wasm = embed "plugin.wasm"),
  ],
);
`);
  const cold = [];
  for (let run = 0; run < 3; run++) {
    if (running) await stop();
    const begin = process.hrtime.bigint();
    start();
    await firstAnswer();
    cold.push(elapsedUs(begin));
  }
  const ends = JSON.parse(await get('/ends'));
  const callUs = await exchangeUs('/warm', 11);
  const requestUs = await exchangeUs('/fresh', 7);
  console.log(JSON.stringify({ version: version.stdout.trim().replace('workerd ', ''), ends, coldProcessUs: median(cold), callP50Us: callUs, requestP50Us: requestUs }));
} finally {
  if (running) await stop();
  rmSync(folder, { recursive: true, force: true });
}
