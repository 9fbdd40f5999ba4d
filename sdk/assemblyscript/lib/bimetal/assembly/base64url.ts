// base64url without padding (RFC 4648, section 5).

function valueOf(c: u8): u32 {
  if (c >= 0x41 && c <= 0x5a) return c - 0x41;
  if (c >= 0x61 && c <= 0x7a) return c - 0x61 + 26;
  if (c >= 0x30 && c <= 0x39) return c - 0x30 + 52;
  return c == 0x2d ? 62 : c == 0x5f ? 63 : 64;
}

/// Decodes; null for a foreign character, an impossible length, and bits that no encoder writes.
export function decodeBase64Url(text: Uint8Array): Uint8Array | null {
  if (text.length % 4 == 1) return null;
  let result = new Uint8Array(text.length * 3 / 4);
  let bits: u32 = 0, bitCount = 0, written = 0;
  for (let i = 0; i < text.length; i++) {
    let value = valueOf(unchecked(text[i]));
    if (value == 64) return null;
    bits = (bits << 6) | value;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    unchecked(result[written++] = (bits >> bitCount) as u8);
  }
  // Not as one conditional expression: this compiler counts its references wrongly.
  if ((bits & ((1 << bitCount) - 1)) != 0) return null;
  return result;
}
