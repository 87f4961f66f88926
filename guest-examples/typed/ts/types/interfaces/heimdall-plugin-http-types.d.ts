/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/http-types@0.1.0' {
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  /**
   * A name and a value. Names are compared without case. Bytes of a value that are no UTF-8 are read as U+FFFD.
   */
  export type Header = [string, string];
  /**
   * An answer of the plugin's own.
   */
  export interface Reply {
    /**
     * 200 to 599; anything else is a failure of the plugin.
     */
    status: number,
    /**
     * One that can't be sent is a failure of the plugin. Those that the host sets itself (`content-length`, ...) are
     * left out.
     */
    headers: Array<Header>,
    /**
     * As it is sent; empty: no body.
     */
    body: Uint8Array,
  }
  
  export class HttpRequest implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * In capitals: `POST`.
    */
    method(): string;
    /**
    * Fails with `other` for what is no method's name.
    */
    setMethod(value: string): void;
    /**
    * From the first slash, percent-encoded as it came, without the query.
    */
    path(): string;
    /**
    * Decides which route serves the request. Fails with `other` unless it starts with a slash and has no `?`, no `#`,
    * and nothing else that stands percent-encoded in a path.
    */
    setPath(value: string): void;
    /**
    * Without the question mark, percent-encoded as it came; none: there is none.
    */
    query(): string | undefined;
    /**
    * None removes it. Fails with `other` where it has a `#`, or what stands percent-encoded in a query.
    */
    setQuery(value: string | undefined): void;
    /**
    * The first value of that name; none: there is no such header.
    */
    header(name: string): string | undefined;
    /**
    * All of them, in order; a name that has several values comes several times. Names are in lower case.
    */
    headers(): Array<Header>;
    /**
    * Replaces all values of that name. Fails with `invalid-header` for a name or value that HTTP does not allow, for
    * headers that the host sets itself (`content-length`, `transfer-encoding`, `connection` and the other headers of
    * one connection), and when there are too many headers.
    */
    setHeader(name: string, value: string): void;
    /**
    * Adds a value and leaves those that are there. Fails as `set-header` does.
    */
    addHeader(name: string, value: string): void;
    /**
    * Removes all values of that name, if there are any.
    */
    removeHeader(name: string): void;
    /**
    * In bytes.
    */
    bodySize(): number;
    /**
    * At most `length` bytes from `offset`; fewer, or none, at the end.
    */
    readBody(offset: number, length: number): Uint8Array;
    /**
    * The whole body. It is copied into the plugin's memory: a plugin that needs a part asks for that part, and one
    * that works on what the model is asked has an LLM hook.
    */
    body(): Uint8Array;
    /**
    * Replaces the body; the host sets `content-length`. Fails with `too-large` above the operator's limit for what a
    * plugin gives (16 MiB unless configured).
    */
    setBody(value: Uint8Array): void;
    [Symbol.dispose](): void;
  }
  
  export class HttpResponse implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    status(): number;
    /**
    * Fails with `other` outside 200 to 599.
    */
    setStatus(value: number): void;
    /**
    * The first value of that name; none: there is no such header.
    */
    header(name: string): string | undefined;
    /**
    * All of them, in order; a name that has several values comes several times. Names are in lower case.
    */
    headers(): Array<Header>;
    /**
    * Replaces all values of that name. Fails as a request's `set-header` does.
    */
    setHeader(name: string, value: string): void;
    /**
    * Adds a value and leaves those that are there. Fails as a request's `set-header` does.
    */
    addHeader(name: string, value: string): void;
    /**
    * Removes all values of that name, if there are any.
    */
    removeHeader(name: string): void;
    /**
    * In bytes.
    */
    bodySize(): number;
    /**
    * At most `length` bytes from `offset`; fewer, or none, at the end.
    */
    readBody(offset: number, length: number): Uint8Array;
    /**
    * The whole body.
    */
    body(): Uint8Array;
    /**
    * Replaces the body; the host sets `content-length`. Fails with `too-large` above the operator's limit for what a
    * plugin gives.
    */
    setBody(value: Uint8Array): void;
    [Symbol.dispose](): void;
  }
}
