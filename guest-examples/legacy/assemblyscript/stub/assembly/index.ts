// How the host reaches the plugin: it writes its inputs into memory from `malloc`, and finds the output at a pointer
// (upper 32 bits of what a function returns) with a length (lower 32 bits).

import { configure, NAME } from './config';
import { httpTransportIntercept, postHook, preHook } from './hooks';

/** `memoryBase` in asconfig.json: the plugin's own data begins here, and inputs go below. */
const ROOM: u32 = 16 << 20;

let used: u32 = 0;

/**
 * Counts up from address 0, never takes anything back, and never fails. Where the inputs would reach the plugin's own
 * data it goes on behind the end of memory, at addresses that nobody can write to.
 */
export function malloc(size: u32): usize {
  if (used < ROOM && size > ROOM - used) used = memory.size() << 16;
  const address = used;
  used += (size + 7) & ~7;
  return address;
}

export function free(_address: usize): void {}

/** The host passes (0, 0) for an empty input. */
function input(address: usize, length: u32): string {
  return String.UTF8.decodeUnsafe(address, length);
}

/** The output lies with the plugin's own data, for which memory grows. */
function output(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return ((changetype<usize>(bytes) as u64) << 32) | bytes.byteLength;
}

export function get_name(): u64 {
  return output(`legacy-${NAME}`);
}

export function init(address: usize, length: u32): i32 {
  return configure(input(address, length)) ? 0 : 1;
}

export function cleanup(): i32 {
  return 0;
}

export function http_transport_intercept(context: usize, c: u32, request: usize, r: u32): u64 {
  return output(httpTransportIntercept(input(context, c), input(request, r)));
}

export function pre_hook(context: usize, c: u32, request: usize, r: u32): u64 {
  return output(preHook(input(context, c), input(request, r)));
}

export function post_hook(context: usize, c: u32, response: usize, r: u32, error: usize, e: u32): u64 {
  return output(postHook(input(context, c), input(response, r), input(error, e)));
}
