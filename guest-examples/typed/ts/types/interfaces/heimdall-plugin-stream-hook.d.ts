/// <reference path="./heimdall-plugin-llm-types.d.ts" />
/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/stream-hook@0.1.0' {
  /**
   * Once per chunk, in the reverse order of the plugins: later plugins have seen it before. Chunks that a later plugin
   * gave are passed on one by one.
   */
  export function onChunk(chunk: LlmChunk): Outcome;
  /**
   * Once, before the end of the stream is sent, also after an upstream's error; not after the client left.
   * What it returns are chunks that were held back, in the provider's shape: JSON objects. They pass the chunk hooks
   * of the plugins before this one.
   */
  export function onEnd(): Array<Json>;
  export type Json = import('heimdall:plugin/types@0.1.0').Json;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  export type LlmChunk = import('heimdall:plugin/llm-types@0.1.0').LlmChunk;
  export type LlmError = import('heimdall:plugin/llm-types@0.1.0').LlmError;
  export type Outcome = OutcomeProceed | OutcomeDrop | OutcomeReplace | OutcomeAbort;
  /**
   * Go on with the draft.
   */
  export interface OutcomeProceed {
    tag: 'proceed',
  }
  /**
   * Nothing is sent for this chunk. A guardrail may hold text back here and send it later. After a failure in
   * mid-stream the plugin takes no further part in it, and what it dropped is never sent.
   */
  export interface OutcomeDrop {
    tag: 'drop',
  }
  /**
   * These chunks instead, in the provider's shape: JSON objects. Anything else is a failure of the plugin. An empty
   * list is `drop`.
   */
  export interface OutcomeReplace {
    tag: 'replace',
    val: Array<Json>,
  }
  /**
   * The stream ends with this error.
   */
  export interface OutcomeAbort {
    tag: 'abort',
    val: LlmError,
  }
}
