/// <reference path="./heimdall-plugin-http-types.d.ts" />
/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/http-request-hook@0.1.0' {
  /**
   * Once per request, in the order of the plugins, before it is routed and its body is read as JSON.
   */
  export function onRequest(request: HttpRequest): Outcome;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  export type HttpRequest = import('heimdall:plugin/http-types@0.1.0').HttpRequest;
  export type Reply = import('heimdall:plugin/http-types@0.1.0').Reply;
  export type Outcome = OutcomeProceed | OutcomeRespond;
  /**
   * Go on with the draft.
   */
  export interface OutcomeProceed {
    tag: 'proceed',
  }
  /**
   * Short circuit: the client gets this reply, and no later plugin's hook for requests runs. Edits are dropped.
   */
  export interface OutcomeRespond {
    tag: 'respond',
    val: Reply,
  }
}
