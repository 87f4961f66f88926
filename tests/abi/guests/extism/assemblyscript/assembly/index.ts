// What Extism's AssemblyScript kit asks of its host.

import { Config, Host, Memory, Var } from '@extism/as-pdk';
import { error_set } from '@extism/as-pdk/lib/env';

const VOWELS = 'aeiouAEIOU';

/** What the runtime calls instead of an import of the host's. */
export function abort(message: string | null, _file: string | null, line: u32, column: u32): void {
  const text = message == null ? 'aborted' : message;
  error_set(Memory.allocateString(`${text} (${line}:${column})`).offset);
  unreachable();
}

export function echo(): i32 {
  Host.output(Host.input());
  return 0;
}

export function count_vowels(): i32 {
  const text = Host.inputString();
  let count: u64 = 0;
  for (let i = 0; i < text.length; i++) {
    if (VOWELS.includes(text.charAt(i))) count++;
  }
  const before = Var.getString('total');
  const total = (before == null ? 0 : U64.parseInt(before)) + count;
  Var.set('total', Uint8Array.wrap(String.UTF8.encode(total.toString())));
  Host.outputString(`{"count":${count},"total":${total},"vowels":"${VOWELS}"}`);
  return 0;
}

/** As bytes: the kit cuts texts off that aren't ASCII, since it takes their length for that of their bytes. */
function give(text: string): i32 {
  Host.output(Uint8Array.wrap(String.UTF8.encode(text)));
  return 0;
}

function refuse(message: string): i32 {
  error_set(Memory.allocateString(message).offset);
  return 1;
}

export function config_value(): i32 {
  const key = Host.inputString();
  const value = Config.get(key);
  return value == null ? refuse(`no configuration value: ${key}`) : give(value);
}

export function fail(): i32 {
  return refuse(Host.inputString());
}

/** With the kit's own way to give texts: more bytes are stored than were allocated. */
export function cut_off(): i32 {
  Host.outputString(Host.inputString());
  return 0;
}

/** An error that is set, and a trap. */
export function panics(): i32 {
  throw new Error(Host.inputString());
}
