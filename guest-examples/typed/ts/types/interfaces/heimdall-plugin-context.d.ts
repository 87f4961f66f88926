/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/context@0.1.0' {
  /**
   * The id that is in logs, traces and the `x-request-id` header. Empty outside a request.
   */
  export function requestId(): string;
  /**
   * The value of a key; none: there is no such key. `request_id` is always there, as a JSON string.
   */
  export function get(key: string): Json | undefined;
  /**
   * Fails with `invalid-json` where the value is none, with `too-large` where the keys and values of this request
   * would exceed what the operator allows (1 MiB, unless configured), and with `other` for a key that is the host's and
   * outside a request.
   */
  export function set(key: string, value: Json): void;
  /**
   * Does nothing where there is no such key, and for one that is the host's.
   */
  export function remove(key: string): void;
  /**
   * All keys, `request_id` among them, sorted.
   */
  export function keys(): Array<string>;
  export type Json = import('heimdall:plugin/types@0.1.0').Json;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
}
