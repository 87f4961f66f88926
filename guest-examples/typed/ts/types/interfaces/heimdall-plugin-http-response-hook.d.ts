/// <reference path="./heimdall-plugin-http-types.d.ts" />
/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/http-response-hook@0.1.0' {
  /**
   * Once per request, in the reverse order of the plugins, also for errors and after a short circuit. Not called for
   * streams: their head is out before their body is known.
   * `request` is the request as the HTTP hooks left it; its setters have no effect any more.
   */
  export function onResponse(request: HttpRequest, response: HttpResponse): void;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  export type HttpRequest = import('heimdall:plugin/http-types@0.1.0').HttpRequest;
  export type HttpResponse = import('heimdall:plugin/http-types@0.1.0').HttpResponse;
}
