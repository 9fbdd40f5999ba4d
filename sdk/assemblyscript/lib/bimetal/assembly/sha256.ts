// SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104).

const BLOCK_BYTES: i32 = 64;
const DIGEST_BYTES: i32 = 32;

let constants: u32[] = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2];

let schedule = new Uint32Array(64);

/// The eight words of a state, after one more block at an address.
function compress(state: Uint32Array, block: usize): void {
  for (let i = 0; i < 16; i++) unchecked(schedule[i] = bswap(load<u32>(block + i * 4)));
  for (let i = 16; i < 64; i++) {
    let x = unchecked(schedule[i - 15]), y = unchecked(schedule[i - 2]);
    let s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3), s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10);
    unchecked(schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1);
  }
  let a = unchecked(state[0]), b = unchecked(state[1]), c = unchecked(state[2]), d = unchecked(state[3]);
  let e = unchecked(state[4]), f = unchecked(state[5]), g = unchecked(state[6]), h = unchecked(state[7]);
  for (let i = 0; i < 64; i++) {
    let t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + unchecked(constants[i]) + unchecked(schedule[i]);
    let t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
  }
  unchecked(state[0] += a); unchecked(state[1] += b); unchecked(state[2] += c); unchecked(state[3] += d);
  unchecked(state[4] += e); unchecked(state[5] += f); unchecked(state[6] += g); unchecked(state[7] += h);
}

function initial(): Uint32Array {
  let state = new Uint32Array(8);
  state[0] = 0x6a09e667; state[1] = 0xbb67ae85; state[2] = 0x3c6ef372; state[3] = 0xa54ff53a;
  state[4] = 0x510e527f; state[5] = 0x9b05688c; state[6] = 0x1f83d9ab; state[7] = 0x5be0cd19;
  return state;
}

/// The digest of a message whose first `before` bytes, whole blocks, are in the state already.
function finish(state: Uint32Array, message: Uint8Array, before: i32): Uint8Array {
  let whole = message.length / BLOCK_BYTES * BLOCK_BYTES;
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(state, message.dataStart + at);
  let rest = message.length - whole;
  let tail = new Uint8Array(rest < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES);
  memory.copy(tail.dataStart, message.dataStart + whole, rest);
  tail[rest] = 0x80;
  store<u64>(tail.dataStart + tail.length - 8, bswap<u64>(((before + message.length) as u64) * 8));
  for (let at = 0; at < tail.length; at += BLOCK_BYTES) compress(state, tail.dataStart + at);
  let digest = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < 8; i++) store<u32>(digest.dataStart + i * 4, bswap(unchecked(state[i])));
  return digest;
}

function copyOf(state: Uint32Array): Uint32Array {
  return state.slice();
}

/// HMAC-SHA256 with one key, whose two blocks are hashed once.
export class HmacSha256 {
  private inner: Uint32Array = initial();
  private outer: Uint32Array = initial();

  constructor(key: Uint8Array) {
    let short = key;
    if (key.length > BLOCK_BYTES) short = finish(initial(), key, 0);
    let block = new Uint8Array(BLOCK_BYTES);
    memory.copy(block.dataStart, short.dataStart, short.length);
    for (let i = 0; i < BLOCK_BYTES; i++) block[i] ^= 0x36;
    compress(this.inner, block.dataStart);
    for (let i = 0; i < BLOCK_BYTES; i++) block[i] ^= 0x36 ^ 0x5c;
    compress(this.outer, block.dataStart);
  }

  of(message: Uint8Array): Uint8Array {
    return finish(copyOf(this.outer), finish(copyOf(this.inner), message, BLOCK_BYTES), BLOCK_BYTES);
  }
}
