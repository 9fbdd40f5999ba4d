// An HTTP/2 upstream that is not ours: node's, which is nghttp2. Arguments: a certificate and its key, or nothing for plain HTTP/2.
// Prints its port, and reads commands from its input: `goaway` ends every session politely, `destroy` breaks them.
import http2 from 'node:http2';
import fs from 'node:fs';
import readline from 'node:readline';

const [certificate, key] = process.argv.slice(2);
const settings = { maxConcurrentStreams: 50 };
const server = certificate ? http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key), settings }) : http2.createServer({ settings });
const sessions = new Set();
let sessionCount = 0;
let refusals = 1;
server.on('session', session => {
  sessionCount++;
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  session.on('error', () => {});
});

const text = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('').trim();
const readAll = stream => new Promise(resolve => {
  const pieces = [];
  stream.on('data', piece => pieces.push(piece));
  stream.on('end', () => resolve(Buffer.concat(pieces)));
});

const handlers = {
  '/facts': (stream, headers) => {
    const body = JSON.stringify({ ...headers, sessionCount });
    stream.respond({ ':status': 200, 'content-length': Buffer.byteLength(body), 'x-text': text, 'set-cookie': ['a=1', 'b=2'] });
    stream.end(stream.headRequest ? undefined : body);
  },
  '/echo': stream => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
    stream.pipe(stream);
  },
  '/trailers': async stream => {
    const trailers = new Promise(resolve => { stream.on('trailers', resolve); });
    await readAll(stream);
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify(await trailers));
  },
  '/only-trailers': stream => stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true }),
  '/length-and-trailers': stream => {
    stream.respond({ ':status': 200, 'content-length': 4 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9' }));
    stream.end('body');
  },
  '/range': (stream, headers) => {
    stream.respond({ ':status': 206, 'content-range': 'bytes 1-2/5', 'x-range': headers.range });
    stream.end('bc');
  },
  '/big': stream => {
    stream.respond({ ':status': 200 });
    const piece = Buffer.alloc(64 << 10, 'b');
    let left = 320;
    const write = () => {
      while (left-- > 0) if (!stream.write(piece)) return stream.once('drain', write);
      stream.end();
    };
    write();
  },
  '/refused': stream => {
    if (refusals-- > 0) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    stream.respond({ ':status': 200 });
    stream.end('served');
  },
  '/reset': stream => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/reset-later': stream => {
    stream.respond({ ':status': 200 });
    stream.write('part', () => stream.session.destroy());
  },
  '/early': stream => {
    stream.respond({ ':status': 413 });
    stream.end('no');
  },
  '/expect': async stream => {
    const body = await readAll(stream);
    stream.respond({ ':status': 200 });
    stream.end(body);
  },
};
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  // A request that nobody reads makes node reset the stream before the end of a response that waited for its window.
  if (!['/echo', '/trailers', '/expect'].includes(headers[':path'].split('?')[0])) stream.resume();
  (handlers[headers[':path'].split('?')[0]] ?? handlers['/facts'])(stream, headers);
});
server.on('checkContinue', (request, response) => {
  response.writeContinue();
  handlers['/expect'](request.stream);
});
readline.createInterface({ input: process.stdin }).on('line', command => {
  for (const session of sessions) {
    if (command === 'goaway') session.close();
    else session.destroy();
  }
  console.log(command);
}).on('close', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
