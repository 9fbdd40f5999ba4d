// The worker of the peer workerd: one instance for each isolate, as a worker keeps it, or a new one for each exchange.
import { Host, readExchanges } from './proxy_wasm_host.mjs';
import text from './exchanges.txt';
import module from './plugin.wasm';

const input = readExchanges(text);
const exchanges = input.exchanges;
let host;

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const times = Number(searchParams.get('times') ?? 1);
    host ??= new Host(input).start(module);
    if (pathname === '/ends') return Response.json(exchanges.map((exchange) => host.serve(exchange)));
    for (let time = 0; time < times; time++) {
      const serving = pathname === '/fresh' ? new Host(input).start(module) : host;
      serving.serve(exchanges[time % exchanges.length]);
    }
    return new Response('served');
  },
};
