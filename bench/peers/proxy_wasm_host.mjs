// A small proxy-wasm host in JavaScript: what the peers in Node and in workerd run plugins with. No file, no clock but the engine's.

const OK = 0, NOT_FOUND = 1, BAD_ARGUMENT = 2, CAS_MISMATCH = 8;
const encoder = new TextEncoder();
const latin = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const text = (view) => String.fromCharCode(...view);

export class Host {
  shared = new Map();
  stream = null;

  constructor({ configuration, clock }) {
    this.configuration = latin(configuration);
    this.clock = clock;
  }

  view(pointer, length) {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }

  setU32(pointer, value) {
    new DataView(this.memory.buffer).setUint32(pointer, value, true);
  }

  give(content, pointerOut, lengthOut) {
    const pointer = content.length === 0 ? 0 : this.exports.proxy_on_memory_allocate(content.length);
    if (content.length !== 0) this.view(pointer, content.length).set(content);
    this.setU32(pointerOut, pointer);
    this.setU32(lengthOut, content.length);
    return OK;
  }

  map(kind) {
    return kind === 0 ? this.stream.request.fields : kind === 2 ? this.stream.response.fields : null;
  }

  pairs(fields) {
    const parts = fields.map(([name, value]) => [latin(name), latin(value)]);
    const size = 4 + parts.reduce((sum, [name, value]) => sum + 10 + name.length + value.length, 0);
    const result = new Uint8Array(size), numbers = new DataView(result.buffer);
    numbers.setUint32(0, parts.length, true);
    let at = 4;
    for (const [name, value] of parts) {
      numbers.setUint32(at, name.length, true);
      numbers.setUint32(at + 4, value.length, true);
      at += 8;
    }
    for (const part of parts.flat()) {
      result.set(part, at);
      at += part.length + 1;
    }
    return result;
  }

  body(kind) {
    if (kind === 7) return this.configuration;
    return kind === 0 ? this.stream.request.held : kind === 1 ? this.stream.response.held : null;
  }

  imports() {
    const named = (pointer, length) => text(this.view(pointer, length)).toLowerCase();
    const env = {
      proxy_get_header_map_value: (kind, name, nameLength, out, outLength) => {
        const key = named(name, nameLength), found = this.map(kind)?.find(([other]) => other === key);
        return found ? this.give(latin(found[1]), out, outLength) : NOT_FOUND;
      },
      proxy_replace_header_map_value: (kind, name, nameLength, value, valueLength) => {
        const fields = this.map(kind), key = named(name, nameLength), set = text(this.view(value, valueLength));
        const first = fields.findIndex(([other]) => other === key);
        if (first < 0) fields.push([key, set]);
        else {
          fields[first] = [key, set];
          for (let i = fields.length - 1; i > first; i--) if (fields[i][0] === key) fields.splice(i, 1);
        }
        return OK;
      },
      proxy_add_header_map_value: (kind, name, nameLength, value, valueLength) => {
        this.map(kind).push([named(name, nameLength), text(this.view(value, valueLength))]);
        return OK;
      },
      proxy_remove_header_map_value: (kind, name, nameLength) => {
        const fields = this.map(kind), key = named(name, nameLength);
        for (let i = fields.length - 1; i >= 0; i--) if (fields[i][0] === key) fields.splice(i, 1);
        return OK;
      },
      proxy_get_header_map_pairs: (kind, out, outLength) => this.give(this.pairs(this.map(kind) ?? []), out, outLength),
      proxy_get_buffer_bytes: (kind, start, length, out, outLength) => {
        const body = this.body(kind);
        return body ? this.give(body.subarray(start, Math.min(body.length, (start + (length >>> 0)))), out, outLength) : NOT_FOUND;
      },
      proxy_set_buffer_bytes: (kind, start, length, from, fromLength) => {
        const side = kind === 0 ? this.stream.request : this.stream.response, body = side.held;
        if (!body) return NOT_FOUND;
        start = Math.min(start >>> 0, body.length);
        length = Math.min(length >>> 0, body.length - start);
        const result = new Uint8Array(body.length - length + fromLength);
        result.set(body.subarray(0, start));
        result.set(this.view(from, fromLength), start);
        result.set(body.subarray(start + length), start + fromLength);
        side.held = result;
        return OK;
      },
      proxy_send_local_response: (status) => {
        this.stream.status ||= status;
        return OK;
      },
      proxy_continue_stream: (kind) => {
        (kind === 0 ? this.stream.request : this.stream.response).continued = true;
        return OK;
      },
      proxy_get_property: (path, length, out, outLength) => {
        const wanted = text(this.view(path, length)).split('\0').join('.');
        return wanted === 'source.address' ? this.give(encoder.encode('127.0.0.1:50000'), out, outLength) : NOT_FOUND;
      },
      proxy_get_shared_data: (key, length, out, outLength, cas) => {
        const entry = this.shared.get(text(this.view(key, length)));
        if (!entry) return NOT_FOUND;
        this.setU32(cas, entry.cas);
        return this.give(entry.value, out, outLength);
      },
      proxy_set_shared_data: (key, length, value, valueLength, cas) => {
        const name = text(this.view(key, length)), entry = this.shared.get(name);
        if (entry && cas !== 0 && cas !== entry.cas) return CAS_MISMATCH;
        this.shared.set(name, { value: this.view(value, valueLength).slice(), cas: (entry?.cas ?? 0) + 1 });
        return OK;
      },
      proxy_log: () => OK,
      proxy_get_current_time_nanoseconds: (out) => {
        new DataView(this.memory.buffer).setBigUint64(out, BigInt(this.clock), true);
        return OK;
      },
    };
    const wasi = {
      clock_time_get: (kind, precision, out) => {
        new DataView(this.memory.buffer).setBigUint64(out, BigInt(Math.round(performance.now() * 1e6)), true);
        return 0;
      },
    };
    return { env: new Proxy(env, { get: (functions, name) => functions[name] ?? (() => BAD_ARGUMENT) }), wasi_snapshot_preview1: wasi };
  }

  start(module) {
    this.exports = new WebAssembly.Instance(module, this.imports()).exports;
    this.memory = this.exports.memory;
    const call = (name, ...values) => this.exports[name]?.(...values);
    call('_initialize');
    call('proxy_on_context_create', 1, 0);
    call('proxy_on_vm_start', 1, 0);
    if (call('proxy_on_configure', 1, this.configuration.length) === 0) throw new Error('the plugin refuses its configuration');
    this.nextContext = 2;
    return this;
  }

  drive(side, number, headers, onBody) {
    let held = headers ? headers(number, side.fields.length, side.chunks.length === 0 ? 1 : 0) !== 0 && !this.takeContinued(side) : false;
    if (this.stream.status) return false;
    side.chunks.forEach((chunk, index) => {
      if (!onBody || this.stream.status) return;
      side.held = side.held.length === 0 ? chunk : Uint8Array.from([...side.held, ...chunk]);
      const released = onBody(number, side.held.length, index === side.chunks.length - 1 ? 1 : 0) === 0 || this.takeContinued(side);
      if (released) side.held = new Uint8Array(0);
      held = !released;
    });
    return !held && !this.stream.status;
  }

  takeContinued(side) {
    const was = side.continued;
    side.continued = false;
    return was;
  }

  serve(exchange) {
    const side = (message) => ({ fields: message.fields.slice(), chunks: message.chunks, held: new Uint8Array(0), continued: false });
    this.stream = { request: side(exchange.request), response: side(exchange.response), status: 0 };
    const number = this.nextContext++, e = this.exports;
    e.proxy_on_context_create?.(number, 1);
    const through = this.drive(this.stream.request, number, e.proxy_on_request_headers, e.proxy_on_request_body)
      && this.drive(this.stream.response, number, e.proxy_on_response_headers, e.proxy_on_response_body);
    e.proxy_on_done?.(number);
    e.proxy_on_log?.(number);
    e.proxy_on_delete?.(number);
    return this.stream.status ? 'answered' : through ? 'passed' : 'held';
  }
}

/** What `bench` wrote of the plugin's cases: bodies as bytes. */
export function readExchanges(text) {
  const input = JSON.parse(text);
  for (const exchange of input.exchanges)
    for (const message of [exchange.request, exchange.response]) message.chunks = message.chunks.map((chunk) => latin(atob(chunk)));
  return input;
}

export const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
