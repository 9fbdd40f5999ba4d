// What plugins in AssemblyScript share beside the proxy-wasm SDK. Each part has a counterpart in sdk/c.
export { Json } from "./json";
export { headerBytes, replaceHeader, find, slice, trim, hash, equals, startsWithIgnoringCase } from "./bytes";
export { decodeBase64Url } from "./base64url";
export { HmacSha256 } from "./sha256";
