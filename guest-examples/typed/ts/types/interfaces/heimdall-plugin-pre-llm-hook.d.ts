/// <reference path="./heimdall-plugin-llm-types.d.ts" />
/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/pre-llm-hook@0.1.0' {
  /**
   * Once per attempt, in the order of the plugins. Each attempt (a retry, a fallback to another upstream) starts from
   * the request as the HTTP hooks left it; the context stays.
   */
  export function beforeCall(request: LlmRequest): Outcome;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  export type LlmRequest = import('heimdall:plugin/llm-types@0.1.0').LlmRequest;
  export type Answer = import('heimdall:plugin/llm-types@0.1.0').Answer;
  export type LlmError = import('heimdall:plugin/llm-types@0.1.0').LlmError;
  export type Outcome = OutcomeProceed | OutcomeAnswer | OutcomeRefuse;
  /**
   * Go on with the draft.
   */
  export interface OutcomeProceed {
    tag: 'proceed',
  }
  /**
   * Short circuit: no upstream is called. Edits are dropped. The answer passes the post hooks of this plugin and of
   * those before it.
   */
  export interface OutcomeAnswer {
    tag: 'answer',
    val: Answer,
  }
  /**
   * Short circuit with an error. Edits are dropped. The error passes the post hooks as an answer does.
   */
  export interface OutcomeRefuse {
    tag: 'refuse',
    val: LlmError,
  }
}
