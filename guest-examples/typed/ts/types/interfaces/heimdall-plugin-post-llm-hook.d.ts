/// <reference path="./heimdall-plugin-llm-types.d.ts" />
/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/post-llm-hook@0.1.0' {
  /**
   * Once per attempt, in the reverse order of the plugins, for every plugin whose turn before the call had come.
   * For a stream: once, after its end, with the answer put together from its chunks. Setters fail then, and any
   * outcome counts as proceed.
   */
  export function afterCall(upstream: Upstream): Outcome;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  export type LlmResponse = import('heimdall:plugin/llm-types@0.1.0').LlmResponse;
  export type LlmError = import('heimdall:plugin/llm-types@0.1.0').LlmError;
  export type Answer = import('heimdall:plugin/llm-types@0.1.0').Answer;
  /**
   * What came back: an answer, or an error of the upstream, of the host (the upstream could not be reached) or of an
   * earlier hook.
   */
  export type Upstream = UpstreamResponse | UpstreamError;
  export interface UpstreamResponse {
    tag: 'response',
    val: LlmResponse,
  }
  export interface UpstreamError {
    tag: 'error',
    val: LlmError,
  }
  export type Outcome = OutcomeProceed | OutcomeReplace | OutcomeRefuse;
  /**
   * Go on with the draft; an error stays as it is.
   */
  export interface OutcomeProceed {
    tag: 'proceed',
  }
  /**
   * This answer instead. An error can be turned into an answer.
   */
  export interface OutcomeReplace {
    tag: 'replace',
    val: Answer,
  }
  /**
   * This error instead. With `allow-fallbacks` the next upstream may be tried.
   */
  export interface OutcomeRefuse {
    tag: 'refuse',
    val: LlmError,
  }
}
