// JSON as a tree of values. What nobody edits is printed as it was spelled: numbers of any size, escapes, members that
// the plugin knows nothing about.

import { Writer } from './writer';

export enum Kind {
  Literal,
  Number,
  Text,
  List,
  Object,
}

/** Deeper documents are refused: each level takes a piece of the stack. */
const MAX_DEPTH: i32 = 128;

export class Json {
  /** How a literal, a number or a text is spelled; null for a text whose spelling is to be made. */
  private spelling: string | null = null;
  /** Whether nothing in this text has to be escaped. */
  private isPlain: bool = false;
  /** What a text says. */
  text: string = '';
  /** The elements of a list, or the values of an object. */
  values: Json[] = NO_VALUES;
  private names: string[] = NO_NAMES;

  constructor(readonly kind: Kind) {}

  static spelled(kind: Kind, spelling: string): Json {
    const value = new Json(kind);
    value.spelling = spelling;
    return value;
  }

  static text(text: string): Json {
    const value = new Json(Kind.Text);
    value.text = text;
    return value;
  }

  static plainText(text: string): Json {
    const value = Json.text(text);
    value.isPlain = true;
    return value;
  }

  static spelledText(text: string, spelling: string): Json {
    const value = Json.text(text);
    value.spelling = spelling;
    return value;
  }

  static number(value: u64): Json {
    return Json.spelled(Kind.Number, value.toString());
  }

  static flag(value: bool): Json {
    return Json.spelled(Kind.Literal, value ? 'true' : 'false');
  }

  static nothing(): Json {
    return Json.spelled(Kind.Literal, 'null');
  }

  static list(values: Json[] = []): Json {
    const value = new Json(Kind.List);
    value.values = values;
    return value;
  }

  static object(): Json {
    const value = new Json(Kind.Object);
    value.values = [];
    value.names = [];
    return value;
  }

  get isNull(): bool {
    return this.spelling === 'null';
  }

  /** The whole number that this is, else 0. */
  get count(): u64 {
    const spelling = this.spelling;
    if (this.kind !== Kind.Number || spelling === null) return 0;
    for (let i = 0; i < spelling.length; i++) if (!isDigit(spelling.charCodeAt(i))) return 0;
    return u64.parse(spelling);
  }

  /** Lets a text say something else. */
  say(text: string): void {
    this.text = text;
    this.spelling = null;
    this.isPlain = false;
  }

  /** The member of this name: the last one, should there be several. Null: it has none, or is no object. */
  get(name: string): Json | null {
    const at = this.names.lastIndexOf(name);
    return at < 0 ? null : this.values[at];
  }

  /** Only for objects, as `add`. */
  set(name: string, value: Json): this {
    const at = this.names.lastIndexOf(name);
    if (at < 0) this.add(name, value);
    else this.values[at] = value;
    return this;
  }

  add(name: string, value: Json): void {
    assert(this.kind === Kind.Object, 'only an object has members');
    this.names.push(name);
    this.values.push(value);
  }

  nameAt(index: i32): string {
    return this.names[index];
  }

  /** The member of this name if it is of this kind. */
  only(kind: Kind, name: string): Json | null {
    const value = this.get(name);
    return value !== null && value.kind === kind ? value : null;
  }

  textOr(name: string, other: string): string {
    const text = this.only(Kind.Text, name);
    return text === null ? other : text.text;
  }

  /** Whether there is a member of this name that is true. */
  isSet(name: string): bool {
    const flag = this.get(name);
    return flag !== null && flag.spelling === 'true';
  }

  /** The object of this name, or a new one that isn't in here yet. */
  objectOf(name: string): Json {
    const object = this.only(Kind.Object, name);
    return object === null ? Json.object() : object;
  }

  toString(): string {
    const out = new Writer();
    this.print(out);
    return out.toString();
  }

  private print(out: Writer): void {
    const spelling = this.spelling;
    if (spelling !== null) out.write(spelling);
    else if (this.isPlain) out.write('"').write(this.text).write('"');
    else if (this.kind === Kind.Text) quote(this.text, out);
    else {
      const isObject = this.kind === Kind.Object;
      out.write(isObject ? '{' : '[');
      for (let i = 0; i < this.values.length; i++) {
        if (i > 0) out.write(',');
        if (isObject) {
          quote(this.names[i], out);
          out.write(':');
        }
        this.values[i].print(out);
      }
      out.write(isObject ? '}' : ']');
    }
  }
}

// Shared by all values that have neither.
const NO_VALUES: Json[] = [];
const NO_NAMES: string[] = [];

/** Reads one document. `problem` says what is wrong where there is none. */
export class Reader {
  problem: string = '';
  private at: i32 = 0;

  constructor(private source: string) {}

  document(): Json | null {
    const value = this.value(0);
    this.skipSpace();
    if (value !== null && this.at < this.source.length) return this.fail('more than one value');
    return value;
  }

  object(): Json | null {
    const value = this.document();
    if (value !== null && value.kind !== Kind.Object) return this.fail('no object');
    return value;
  }

  private fail(what: string): Json | null {
    if (this.problem === '') this.problem = `invalid JSON: ${what} at character ${this.at}`;
    return null;
  }

  /** The next character, or -1 at the end. */
  private get next(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  private skipSpace(): void {
    while (this.next === 0x20 || (this.next >= 0x09 && this.next <= 0x0d && this.next !== 0x0b && this.next !== 0x0c))
      this.at++;
  }

  private skip(character: i32): bool {
    this.skipSpace();
    if (this.next !== character) return false;
    this.at++;
    return true;
  }

  private value(depth: i32): Json | null {
    this.skipSpace();
    if (depth > MAX_DEPTH) return this.fail('too deep a nesting');
    switch (this.next) {
      case 0x7b /* { */:
        return this.members(depth);
      case 0x5b /* [ */:
        return this.elements(depth);
      case 0x22 /* " */:
        return this.string();
      case 0x74:
        return this.literal('true');
      case 0x66:
        return this.literal('false');
      case 0x6e:
        return this.literal('null');
    }
    return this.number();
  }

  private members(depth: i32): Json | null {
    const object = Json.object();
    this.at++;
    if (this.skip(0x7d /* } */)) return object;
    do {
      this.skipSpace();
      const name = this.string();
      if (name === null) return null;
      if (!this.skip(0x3a /* : */)) return this.fail('no colon');
      const value = this.value(depth + 1);
      if (value === null) return null;
      object.add(name.text, value);
    } while (this.skip(0x2c /* , */));
    return this.skip(0x7d) ? object : this.fail('no end of the object');
  }

  private elements(depth: i32): Json | null {
    const list = Json.list();
    this.at++;
    if (this.skip(0x5d /* ] */)) return list;
    do {
      const value = this.value(depth + 1);
      if (value === null) return null;
      list.values.push(value);
    } while (this.skip(0x2c /* , */));
    return this.skip(0x5d) ? list : this.fail('no end of the list');
  }

  private literal(word: string): Json | null {
    if (this.source.substr(this.at, word.length) !== word) return this.fail('no value');
    this.at += word.length;
    return Json.spelled(Kind.Literal, word);
  }

  private number(): Json | null {
    const start = this.at;
    if (this.next === 0x2d /* - */) this.at++;
    const leadingZero = this.next === 0x30;
    const digits = this.digits();
    if (digits === 0) return this.fail('no value');
    if (leadingZero && digits > 1) return this.fail('a leading zero');
    if (this.next === 0x2e /* . */) {
      this.at++;
      if (this.digits() === 0) return this.fail('no digit');
    }
    if ((this.next | 0x20) === 0x65 /* e */) {
      this.at++;
      if (this.next === 0x2b || this.next === 0x2d) this.at++;
      if (this.digits() === 0) return this.fail('no digit');
    }
    return Json.spelled(Kind.Number, this.source.substring(start, this.at));
  }

  private digits(): i32 {
    const start = this.at;
    while (isDigit(this.next)) this.at++;
    return this.at - start;
  }

  private string(): Json | null {
    const start = this.at;
    if (this.next !== 0x22) return this.fail('no text');
    this.at++;
    this.skipPlain();
    if (this.next === 0x22) return Json.plainText(this.source.substring(start + 1, this.at++));
    const out = new Writer();
    let plain = start + 1;
    while (this.next !== 0x22) {
      if (this.next !== 0x5c /* \ */) return this.fail(this.next < 0 ? 'no end of the text' : 'a control character');
      out.write(this.source.substring(plain, this.at));
      const unit = this.escape();
      if (unit < 0) return null;
      out.writeUnit(unit);
      plain = this.at;
      this.skipPlain();
    }
    out.write(this.source.substring(plain, this.at++));
    return Json.spelledText(out.toString(), this.source.substring(start, this.at));
  }

  /** Most of a text is plain: this loop has to be fast. */
  private skipPlain(): void {
    const source = this.source;
    let at = this.at;
    while (at < source.length) {
      const unit = source.charCodeAt(at);
      if (unit < 0x20 || unit === 0x22 || unit === 0x5c) break;
      at++;
    }
    this.at = at;
  }

  /** The UTF-16 unit that an escape stands for, or -1. */
  private escape(): i32 {
    this.at++;
    const letter = this.next;
    const place = '"\\/bfnrt'.indexOf(letter < 0 ? '' : String.fromCharCode(letter));
    if (letter === 0x75 /* u */) return this.unit();
    if (letter < 0 || place < 0) {
      this.fail('an unknown escape');
      return -1;
    }
    this.at++;
    return '"\\/\b\f\n\r\t'.charCodeAt(place);
  }

  private unit(): i32 {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      this.at++;
      const digit = isDigit(this.next) ? this.next - 0x30 : (this.next | 0x20) - 0x57;
      if (digit < 0 || digit > 15 || (digit > 9 && this.next < 0x41)) {
        this.fail('an unknown escape');
        return -1;
      }
      unit = (unit << 4) | digit;
    }
    this.at++;
    return unit;
  }
}

function isDigit(character: i32): bool {
  return character >= 0x30 && character <= 0x39;
}

function quote(text: string, out: Writer): void {
  out.write('"');
  let plain = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit !== 0x22 && unit !== 0x5c && !isLone(text, i)) continue;
    if (plain < i) out.write(text.substring(plain, i));
    if (unit === 0x0a) out.write('\\n');
    else if (unit === 0x22 || unit === 0x5c) out.write(unit === 0x22 ? '\\"' : '\\\\');
    else out.write(`\\u${unit.toString(16).padStart(4, '0')}`);
    plain = i + 1;
  }
  out.write(plain === 0 ? text : text.substring(plain));
  out.write('"');
}

/** Half of a surrogate pair without the other half has no bytes in UTF-8. */
function isLone(text: string, at: i32): bool {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return false;
  if (unit < 0xdc00) return at + 1 >= text.length || (text.charCodeAt(at + 1) & 0xfc00) !== 0xdc00;
  return at === 0 || (text.charCodeAt(at - 1) & 0xfc00) !== 0xd800;
}
