// as-token-auth - plugins/token-auth in AssemblyScript. A token is checked in this order: shape, signature (constant time), contents, expiry.
export * from "@solo-io/proxy-runtime/proxy";
import {
  RootContext, Context, registerRootContext, FilterHeadersStatusValues, GrpcStatusValues, HeaderPair, LogLevelValues, log, send_local_response,
} from "@solo-io/proxy-runtime";
import { HeaderMapTypeValues, get_current_time_nanoseconds } from "@solo-io/proxy-runtime/runtime";
import { HmacSha256, Json, decodeBase64Url, headerBytes, replaceHeader, slice, startsWithIgnoringCase } from "bimetal";

const SUBJECT_HEADER = "x-token-subject";
const REASON_HEADER = "x-token-error";
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 1024;
const MAX_TOKEN_BYTES = 1024;
const MAX_SUBJECT_BYTES = 128;
const MAX_EXPIRY_DIGITS = 12;
const SIGNATURE_LENGTH = 43;
const MAX_LEEWAY_SECONDS = 86400;

enum Verdict { Valid, Missing, Malformed, BadSignature, Expired }

function refuse(why: string): bool {
  log(LogLevelValues.error, "as-token-auth: " + why);
  return false;
}

function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function reasonOf(verdict: Verdict): string {
  switch (verdict) {
    case Verdict.Missing: return "missing";
    case Verdict.Malformed: return "malformed";
    case Verdict.BadSignature: return "bad-signature";
    default: return "expired";
  }
}

class Root extends RootContext {
  hmac: HmacSha256 | null = null;
  header: string = "authorization";
  leewaySeconds: u64 = 0;

  onConfigure(size: u32): bool {
    if (size == 0 || !super.onConfigure(size)) return refuse("the configuration lacks key");
    let json = new Json(this.getConfiguration());
    if (!json.isValid) return refuse("the configuration is not a flat JSON object");
    for (let i = 0; i < json.keys.length; i++) {
      if (!this.take(json.keys[i], json.values[i], json.isText[i])) return false;
    }
    return this.hmac !== null || refuse("the configuration lacks key");
  }

  createContext(contextId: u32): Context {
    return new Check(contextId, this);
  }

  private take(key: string, value: string, isText: bool): bool {
    if (key == "leeway_seconds") {
      let seconds = isText ? -1 : I32.parseInt(value);
      this.leewaySeconds = seconds as u64;
      return (seconds >= 0 && seconds <= MAX_LEEWAY_SECONDS) || refuse("leeway_seconds must be a number from 0 to 86400");
    }
    if (!isText) return refuse("key, key_base64url and header are strings");
    if (key == "key") return this.takeKey(utf8(value));
    if (key == "key_base64url") {
      let decoded = decodeBase64Url(utf8(value));
      return decoded === null ? refuse("the key cannot be decoded") : this.takeKey(decoded);
    }
    if (key != "header") return refuse("unknown key in the configuration; there are key, key_base64url, header, leeway_seconds");
    this.header = value;
    return (value.length > 0 && value.length <= 64) || refuse("header must have 1 to 64 characters");
  }

  private takeKey(key: Uint8Array): bool {
    if (this.hmac !== null) return refuse("give one of key and key_base64url, once");
    if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES) return refuse("the key must have 16 to 1024 bytes");
    this.hmac = new HmacSha256(key);
    return true;
  }
}

class Check extends Context {
  private subject: Uint8Array | null = null;

  constructor(contextId: u32, private root: Root) {
    super(contextId, root);
  }

  onRequestHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    let value = headerBytes(HeaderMapTypeValues.RequestHeaders, this.root.header);
    let verdict = value === null ? Verdict.Missing : this.check(value);
    if (verdict != Verdict.Valid) return this.reject(verdict);

    // Replaces whatever the client sent under this name: the upstream trusts it.
    let isSet = replaceHeader(HeaderMapTypeValues.RequestHeaders, SUBJECT_HEADER, this.subject as Uint8Array);
    return isSet ? FilterHeadersStatusValues.Continue : this.reject(Verdict.Malformed);
  }

  private check(token: Uint8Array): Verdict {
    if (this.root.header == "authorization") {
      if (!startsWithIgnoringCase(token, "bearer") || (token.length > 6 && token[6] != 0x20)) return Verdict.Missing;
      let start = 6;
      while (start < token.length && token[start] == 0x20) start++;
      token = slice(token, start, token.length);
    }
    if (token.length < SIGNATURE_LENGTH + 2 || token.length > MAX_TOKEN_BYTES) return Verdict.Malformed;
    let dot = token.length - SIGNATURE_LENGTH - 1;
    let offered = decodeBase64Url(slice(token, dot + 1, token.length));
    if (token[dot] != 0x2e || offered === null) return Verdict.Malformed;
    let encoded = slice(token, 0, dot);
    let computed = (this.root.hmac as HmacSha256).of(encoded);
    let difference: u8 = 0;
    for (let i = 0; i < computed.length; i++) difference |= computed[i] ^ offered[i];
    if (difference != 0) return Verdict.BadSignature;
    let payload = decodeBase64Url(encoded);
    return payload === null ? Verdict.Malformed : this.readPayload(payload);
  }

  // EXPIRY ":" SUBJECT
  private readPayload(payload: Uint8Array): Verdict {
    let digits = 0;
    let expirySeconds: u64 = 0;
    while (digits < payload.length && payload[digits] >= 0x30 && payload[digits] <= 0x39) {
      if (digits == MAX_EXPIRY_DIGITS) return Verdict.Malformed;
      expirySeconds = expirySeconds * 10 + ((payload[digits++] - 0x30) as u64);
    }
    if (digits == 0 || digits == payload.length || payload[digits] != 0x3a) return Verdict.Malformed;
    let subject = slice(payload, digits + 1, payload.length);
    if (subject.length == 0 || subject.length > MAX_SUBJECT_BYTES) return Verdict.Malformed;
    for (let i = 0; i < subject.length; i++) {
      if (subject[i] <= 0x20 || subject[i] >= 0x7f) return Verdict.Malformed;
    }
    this.subject = subject;
    return get_current_time_nanoseconds() / 1000000000 < expirySeconds + this.root.leewaySeconds ? Verdict.Valid : Verdict.Expired;
  }

  private reject(why: Verdict): FilterHeadersStatusValues {
    let reason = reasonOf(why);
    let fields: HeaderPair[] = [
      field("content-type", "application/json"),
      field("www-authenticate", why == Verdict.Missing ? "Bearer" : "Bearer error=\"invalid_token\""),
      field(REASON_HEADER, reason),
    ];
    send_local_response(401, "", String.UTF8.encode("{\"error\":\"" + reason + "\"}\n"), fields, GrpcStatusValues.InvalidCode);
    return FilterHeadersStatusValues.StopIteration;
  }
}

function field(name: string, value: string): HeaderPair {
  return new HeaderPair(String.UTF8.encode(name), String.UTF8.encode(value));
}

registerRootContext((contextId: u32) => new Root(contextId), "as-token-auth");
