// Header fields as bytes, and small things to do with them. The SDK's own functions take text, which bytes of clients need not be.
import * as imports from "@solo-io/proxy-runtime/imports";
import { HeaderMapTypeValues, WasmResultValues } from "@solo-io/proxy-runtime/runtime";

let pointer = new ArrayBuffer(8);

/// The first value of a field; null when the message lacks it. (The SDK's own function cannot tell that from an empty value.)
export function headerBytes(map: HeaderMapTypeValues, name: string): Uint8Array | null {
  let key = String.UTF8.encode(name);
  let at = changetype<usize>(pointer);
  store<u64>(at, 0);
  if (imports.proxy_get_header_map_value(map, changetype<usize>(key), key.byteLength, at, at + 4) != WasmResultValues.Ok) return null;
  if (load<u32>(at + 4) == 0) return new Uint8Array(0);

  // The host had the buffer made by the SDK's malloc, which counts one reference to it; the variable counts another, so one is given back.
  let buffer = changetype<ArrayBuffer>(load<u32>(at) as usize);
  __release(load<u32>(at) as usize);
  return Uint8Array.wrap(buffer);
}

/// Gives a field this one value; false when the host refuses it.
export function replaceHeader(map: HeaderMapTypeValues, name: string, value: Uint8Array): bool {
  let key = String.UTF8.encode(name);
  return imports.proxy_replace_header_map_value(map, changetype<usize>(key), key.byteLength, value.dataStart, value.byteLength) == WasmResultValues.Ok;
}

/// Where a byte is between start and end; end when it is not there.
export function find(bytes: Uint8Array, byte: u8, start: i32, end: i32): i32 {
  while (start < end && bytes[start] != byte) start++;
  return start;
}

/// A view of a part.
export function slice(bytes: Uint8Array, start: i32, end: i32): Uint8Array {
  return bytes.subarray(start, end);
}

/// Without spaces and tabs on both sides.
export function trim(bytes: Uint8Array): Uint8Array {
  let start = 0, end = bytes.length;
  while (start < end && (bytes[start] == 0x20 || bytes[start] == 9)) start++;
  while (end > start && (bytes[end - 1] == 0x20 || bytes[end - 1] == 9)) end--;
  return bytes.subarray(start, end);
}

/// bp_hash of sdk/c: FNV-1a in 64 bits with a finish that spreads every bit.
export function hash(seed: u64, bytes: Uint8Array): u64 {
  let value: u64 = seed ^ 0xcbf29ce484222325;
  for (let i = 0; i < bytes.length; i++) value = (value ^ (bytes[i] as u64)) * 0x100000001b3;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93;
  return value ^ (value >> 32);
}

export function equals(left: Uint8Array, right: Uint8Array): bool {
  return left.length == right.length && memory.compare(left.dataStart, right.dataStart, left.length) == 0;
}

/// Whether bytes start with a lower-case text, their ASCII case disregarded.
export function startsWithIgnoringCase(bytes: Uint8Array, lower: string): bool {
  if (bytes.length < lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    let c = bytes[i];
    if ((c >= 0x41 && c <= 0x5a ? c + 32 : c) != (lower.charCodeAt(i) as u8)) return false;
  }
  return true;
}
