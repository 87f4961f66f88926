// How the host reaches the plugin: it writes its input into memory from `malloc`, and finds the output at a pointer
// (upper 32 bits of what a function returns) with a length (lower 32 bits).

import { configure, NAME } from './config';
import { httpIntercept, postHook, preHook } from './hooks';

/** Memory of the runtime's, pinned: the collector leaves it alone until it is freed. */
export function malloc(size: u32): usize {
  return __pin(__new(size, idof<ArrayBuffer>()));
}

export function free(address: usize): void {
  __unpin(address);
}

/**
 * The host passes (0, 0) for an empty input. The collector runs now, as a call begins: it doesn't see what functions
 * have in use, but of that there is nothing yet.
 */
function input(address: usize, length: u32): string {
  __collect();
  return String.UTF8.decodeUnsafe(address, length);
}

function output(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return ((__pin(changetype<usize>(bytes)) as u64) << 32) | bytes.byteLength;
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

export function http_intercept(address: usize, length: u32): u64 {
  return output(httpIntercept(input(address, length)));
}

export function pre_hook(address: usize, length: u32): u64 {
  return output(preHook(input(address, length)));
}

export function post_hook(address: usize, length: u32): u64 {
  return output(postHook(input(address, length)));
}
