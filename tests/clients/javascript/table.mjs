// What the checks stand on: where the gateway is, and how a check says that something is wrong.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

// The client is installed in a folder of its own, beside no source.
const { OpenAI } = createRequire(`${process.env.CHECKS_NODE_MODULES}/`)("openai");
export { OpenAI };

// Addresses, keys and the words that the plugins know, from main.py.
export const SETUP = JSON.parse(process.env.CHECKS_SETUP);
export const MARKS = SETUP.marks;

// How long the upstream may take to see that a client left.
const PATIENCE_MS = 20_000;

export const CHECKS = [];

/** Adds a function to the checks. */
export function check(name, run) {
  CHECKS.push([name, run]);
}

/** A client that tries once. */
export function client({ base = SETUP.base, key = SETUP.key, ...options } = {}) {
  return new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0, timeout: 30_000, ...options });
}

/** Fails with both where they differ. */
export function same(got, wanted) {
  assert.deepEqual(got, wanted);
}

/** A chat of one message. */
export function user(text) {
  return [{ role: "user", content: text }];
}

/** The error of that kind which the call ends with. */
export async function fails(kind, call) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, error);
    return error;
  }
  assert.fail(`no ${kind.name}, but ${JSON.stringify(answer)}`);
}

/** Every item of a stream. */
export async function all(stream) {
  const items = [];
  for await (const item of await stream) items.push(item);
  return items;
}

/** The text of a streamed chat. */
export function textOf(chunks) {
  return chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.delta.content ?? "").join("");
}

/** The values of those headers; null where there is none. */
export function values(headers, ...names) {
  return names.map((name) => headers.get(name));
}

/** What a check knows its own calls by at the upstream. */
export function tag() {
  return randomUUID();
}

/** How the upstream's calls of that tag ended, or with which `keys` they came. */
export async function calls(of, what = "calls") {
  return (await fetch(`${SETUP.upstream}/${what}/${of}`)).json();
}

/** Waits until the upstream's calls of that tag have ended in that way. */
export async function ends(of, wanted) {
  const limit = Date.now() + PATIENCE_MS;
  while (JSON.stringify(await calls(of)) !== JSON.stringify(wanted) && Date.now() < limit) await pause(20);
  same(await calls(of), wanted);
}
