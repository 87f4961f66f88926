// What the tests call: the plugin's exports, and what lies under them. JSON goes in and comes out, as in a hook.

import { base64 } from '../assembly/base64';
import { Json, Reader } from '../assembly/json';
import { beginning, whole } from '../assembly/redact';

export * from '../assembly/index';

function input(address: usize, length: u32): string {
  return String.UTF8.decodeUnsafe(address, length);
}

function output(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return ((changetype<usize>(bytes) as u64) << 32) | bytes.byteLength;
}

/** The document as it is printed again, or what is wrong with it. */
export function reprint(address: usize, length: u32): u64 {
  const reader = new Reader(input(address, length));
  const value = reader.document();
  return output(value === null ? reader.problem : value.toString());
}

/** A list of texts, each made anew. */
export function respell(address: usize, length: u32): u64 {
  const texts = listOf(new Reader(input(address, length)).document());
  const out = Json.list();
  for (let i = 0; i < texts.length; i++) out.values.push(Json.text(texts[i]));
  return output(out.toString());
}

/** {secrets, pieces}: the pieces as they come out one by one, and at last what was held. */
export function redact_stream(address: usize, length: u32): u64 {
  const given = objectOf(input(address, length));
  const secrets = listOf(given.get('secrets'));
  const pieces = listOf(given.get('pieces'));
  const out = Json.list();
  let held = '';
  for (let i = 0; i < pieces.length; i++) {
    const split = beginning(held + pieces[i], secrets, '[x]');
    out.values.push(Json.text(split.ready));
    held = split.held;
  }
  out.values.push(Json.text(whole(held, secrets, '[x]')));
  return output(out.toString());
}

export function base64_of(address: usize, length: u32): u64 {
  return output(base64(input(address, length)));
}

function objectOf(text: string): Json {
  const object = new Reader(text).object();
  return object === null ? Json.object() : object;
}

function listOf(list: Json | null): string[] {
  return list === null ? [] : list.values.map<string>((value: Json) => value.text);
}
