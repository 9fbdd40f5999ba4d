// A configuration: one flat JSON object of strings and whole numbers, true, false and null. Nested values are refused, as in sdk/c.

/// Reads the members of an object. `isValid` is false when the text is something else.
export class Json {
  isValid: bool = false;
  keys: string[] = [];
  /// A string without its quotes and escapes, or the word or number as it stands.
  values: string[] = [];
  isText: bool[] = [];
  private at: i32 = 0;

  constructor(private source: string) {
    this.isValid = this.readObject() && this.atEnd();
  }

  private readObject(): bool {
    if (!this.take(0x7b)) return false;
    if (this.take(0x7d)) return true;
    do {
      let key = this.readText();
      if (key === null || !this.take(0x3a) || !this.readValue(key)) return false;
    } while (this.take(0x2c));
    return this.take(0x7d);
  }

  private readValue(key: string): bool {
    this.skipSpace();
    let isText = this.peek() == 0x22;
    let value: string | null = null;
    if (isText) value = this.readText();
    else value = this.readWord();
    if (value === null) return false;
    this.keys.push(key);
    this.values.push(value);
    this.isText.push(isText);
    return true;
  }

  private readWord(): string | null {
    let start = this.at;
    while (this.at < this.source.length && isWord(this.peek())) this.at++;
    if (this.at == start) return null;
    return this.source.substring(start, this.at);
  }

  private readText(): string | null {
    if (!this.take(0x22)) return null;
    let text = "";
    while (this.at < this.source.length) {
      let c = this.next();
      if (c == 0x22) return text;
      if (c < 0x20) return null;
      if (c == 0x5c) {
        c = this.readEscape();
        if (c < 0) return null;
      }
      text += String.fromCharCode(c);
    }
    return null;
  }

  private readEscape(): i32 {
    if (this.at == this.source.length) return -1;
    switch (this.next()) {
      case 0x22: return 0x22;
      case 0x5c: return 0x5c;
      case 0x2f: return 0x2f;
      case 0x62: return 8;
      case 0x66: return 12;
      case 0x6e: return 10;
      case 0x72: return 13;
      case 0x74: return 9;
      case 0x75: return this.readHex();
      default: return -1;
    }
  }

  private readHex(): i32 {
    let code = 0;
    for (let i = 0; i < 4; i++) {
      if (this.at == this.source.length) return -1;
      let c = this.next();
      let digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
      if (digit < 0) return -1;
      code = code * 16 + digit;
    }
    return code;
  }

  private take(expected: i32): bool {
    this.skipSpace();
    if (this.peek() != expected) return false;
    this.at++;
    return true;
  }

  private atEnd(): bool {
    this.skipSpace();
    return this.at == this.source.length;
  }

  private skipSpace(): void {
    for (let c = this.peek(); c == 0x20 || c == 9 || c == 10 || c == 13; c = this.peek()) this.at++;
  }

  private peek(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  private next(): i32 {
    return this.source.charCodeAt(this.at++);
  }
}

function isWord(c: i32): bool {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x7a) || c == 0x2d;
}
