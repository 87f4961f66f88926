/// <reference path="./interfaces/heimdall-plugin-context.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-http-request-hook.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-http-response-hook.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-http-types.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-lifecycle.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-llm-types.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-logging.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-post-llm-hook.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-pre-llm-hook.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-stream-hook.d.ts" />
/// <reference path="./interfaces/heimdall-plugin-types.d.ts" />
declare module 'example:guard/guard' {
  export type * as HeimdallPluginContext010 from 'heimdall:plugin/context@0.1.0'; // import heimdall:plugin/context@0.1.0
  export type * as HeimdallPluginHttpTypes010 from 'heimdall:plugin/http-types@0.1.0'; // import heimdall:plugin/http-types@0.1.0
  export type * as HeimdallPluginLlmTypes010 from 'heimdall:plugin/llm-types@0.1.0'; // import heimdall:plugin/llm-types@0.1.0
  export type * as HeimdallPluginLogging010 from 'heimdall:plugin/logging@0.1.0'; // import heimdall:plugin/logging@0.1.0
  export type * as HeimdallPluginTypes010 from 'heimdall:plugin/types@0.1.0'; // import heimdall:plugin/types@0.1.0
  export * as httpRequestHook from 'heimdall:plugin/http-request-hook@0.1.0'; // export heimdall:plugin/http-request-hook@0.1.0
  export * as httpResponseHook from 'heimdall:plugin/http-response-hook@0.1.0'; // export heimdall:plugin/http-response-hook@0.1.0
  export * as preLlmHook from 'heimdall:plugin/pre-llm-hook@0.1.0'; // export heimdall:plugin/pre-llm-hook@0.1.0
  export * as postLlmHook from 'heimdall:plugin/post-llm-hook@0.1.0'; // export heimdall:plugin/post-llm-hook@0.1.0
  export * as streamHook from 'heimdall:plugin/stream-hook@0.1.0'; // export heimdall:plugin/stream-hook@0.1.0
  export * as lifecycle from 'heimdall:plugin/lifecycle@0.1.0'; // export heimdall:plugin/lifecycle@0.1.0
}
