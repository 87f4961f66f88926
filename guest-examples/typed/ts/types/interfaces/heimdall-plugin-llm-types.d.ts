/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/llm-types@0.1.0' {
  export type Json = import('heimdall:plugin/types@0.1.0').Json;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  /**
   * What is asked of the model. LLM hooks run for the first four; the others are reserved, and their requests have
   * HTTP hooks only.
   * # Variants
   * 
   * ## `"chat"`
   * 
   * ## `"text-completion"`
   * 
   * ## `"responses"`
   * 
   * ## `"embedding"`
   * 
   * ## `"image"`
   * 
   * ## `"speech"`
   * 
   * ## `"transcription"`
   * 
   * ## `"other"`
   */
  export type CallKind = 'chat' | 'text-completion' | 'responses' | 'embedding' | 'image' | 'speech' | 'transcription' | 'other';
  export type PartContent = PartContentText | PartContentImageUrl | PartContentOther;
  /**
   * The text of a `text`, `input_text` or `output_text` part.
   */
  export interface PartContentText {
    tag: 'text',
    val: string,
  }
  /**
   * The URL of an image, which may be a `data:` URL.
   */
  export interface PartContentImageUrl {
    tag: 'image-url',
    val: string,
  }
  /**
   * A part that this version has no name for: the whole part.
   */
  export interface PartContentOther {
    tag: 'other',
    val: Json,
  }
  /**
   * A piece of a message's content.
   */
  export interface Part {
    content: PartContent,
    /**
     * A JSON object with the part's members that `content` does not hold (`detail`, `cache_control`, ...).
     */
    extra?: Json,
  }
  export type Content = ContentText | ContentParts | ContentEmpty;
  /**
   * Content that is one string.
   */
  export interface ContentText {
    tag: 'text',
    val: string,
  }
  /**
   * Content that is a list of parts.
   */
  export interface ContentParts {
    tag: 'parts',
    val: Array<Part>,
  }
  /**
   * No content, as in an assistant message that has only tool calls.
   */
  export interface ContentEmpty {
    tag: 'empty',
  }
  export interface Message {
    /**
     * `system`, `developer`, `user`, `assistant`, `tool`, or whatever the provider has.
     */
    role: string,
    content: Content,
    /**
     * A JSON object with the members that this record does not name (`name`, `tool_calls`, `tool_call_id`, ...).
     * Anything but an object fails with `invalid-json`.
     */
    extra?: Json,
  }
  /**
   * As the provider counts.
   */
  export interface TokenUsage {
    /**
     * `input_tokens` of responses.
     */
    promptTokens: number,
    /**
     * `output_tokens` of responses; 0 for embeddings.
     */
    completionTokens: number,
    totalTokens: number,
  }
  /**
   * What the client gets instead of an answer, in OpenAI's error shape.
   */
  export interface LlmError {
    /**
     * For the one who wrote the request.
     */
    message: string,
    /**
     * `type` in the JSON: `policy_violation`, `invalid_request_error`, ...
     */
    kind?: string,
    /**
     * For programs: `banned_word`, `rate_limit_exceeded`, ...
     */
    code?: string,
    /**
     * The member of the request that is at fault.
     */
    param?: string,
    /**
     * The HTTP status, 400 to 599; none: 403 for a refusal. Another one is a failure of the plugin. (Once a stream has
     * begun, its status is out: the error is an event then.)
     */
    status?: number,
    /**
     * True: the next upstream may be tried. None and false: the client gets this error.
     */
    allowFallbacks?: boolean,
    /**
     * The upstream's error as it came. Where it is set, the client gets it, with the members above written into it
     * where they say something else.
     */
    body?: Json,
  }
  /**
   * An answer of one choice; the host puts it into the provider's shape.
   */
  export interface Completion {
    text: string,
    /**
     * None: the model that was asked for.
     */
    model?: string,
    /**
     * None: `stop`.
     */
    finishReason?: string,
    /**
     * None: the answer has no usage.
     */
    usage?: TokenUsage,
  }
  /**
   * What stands in for a model's answer. To a streaming request it is sent as a stream.
   */
  export type Answer = AnswerCompletion | AnswerRaw;
  /**
   * Not for an embedding, where it is a failure of the plugin.
   */
  export interface AnswerCompletion {
    tag: 'completion',
    val: Completion,
  }
  /**
   * The whole answer in the provider's shape: a JSON object. Anything else is a failure of the plugin.
   */
  export interface AnswerRaw {
    tag: 'raw',
    val: Json,
  }
  
  export class LlmChunk implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Its place in the stream, from 0.
    */
    index(): number;
    /**
    * The choice that it belongs to, from 0.
    */
    choice(): number;
    /**
    * The text that it adds. Events that repeat text which was already sent (`*.done`, `response.completed`)
    * have none: the host rewrites the repeats from what went out.
    */
    text(): string | undefined;
    /**
    * Replaces it. Log probabilities, which spell the old text, are emptied with it. Fails with `no-such-place` for an
    * event that has no place for text; `replace` sends another one.
    */
    setText(value: string): void;
    /**
    * Where it is there, no more text of this choice follows: what a plugin holds back of it has to go out now.
    */
    finishReason(): string | undefined;
    /**
    * By RFC 6901 pointer into the JSON of the event. None: nothing is there.
    */
    get(pointer: string): Json | undefined;
    /**
    * None removes it. Fails as a request's `set` does.
    */
    set(pointer: string, value: Json | undefined): void;
    /**
    * The whole event.
    */
    toJson(): Json;
    [Symbol.dispose](): void;
  }
  
  export class LlmRequest implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * What is asked of the model.
    */
    kind(): CallKind;
    /**
    * The upstream's name, as the operator wrote it.
    */
    provider(): string;
    /**
    * Sends the call to another upstream. A name that the operator has not configured fails the request, not this
    * call. Fails with `other` for an empty name.
    */
    setProvider(value: string): void;
    /**
    * The model as the upstream knows it, without `provider/`.
    */
    model(): string;
    /**
    * Fails with `other` for an empty name.
    */
    setModel(value: string): void;
    /**
    * Whether the client wants a stream. It can't be changed.
    */
    streaming(): boolean;
    /**
    * 0 for the first try, one more for each retry or fallback.
    */
    attempt(): number;
    /**
    * Messages by kind, read and written: chat: `messages`. responses: `instructions` (role system), then `input`
    * (a string is one user message; items that are no messages are a part `other`). text-completion and
    * embedding: one user message per string; token lists are `other`. Where an edit has no place in that shape:
    * `no-such-place`. Setting what `message-at` returned is no edit.
    */
    messageCount(): number;
    /**
    * From 0; none: there is no such message.
    */
    messageAt(index: number): Message | undefined;
    /**
    * All of them. Where the text is enough, `message-text` of each costs less.
    */
    messages(): Array<Message>;
    /**
    * The text of a message: all its text parts, joined with line feeds. None: it has no text, or there is no such
    * message.
    */
    messageText(index: number): string | undefined;
    /**
    * Replaces a message. Fails with `no-such-place` for an index that is not there.
    */
    setMessage(index: number, value: Message): void;
    /**
    * Inserts before `index`; `message-count()` appends, and more fails with `no-such-place`.
    */
    insertMessage(index: number, value: Message): void;
    /**
    * Fails with `no-such-place` for an index that is not there.
    */
    removeMessage(index: number): void;
    /**
    * A member of the request beside model and messages (`temperature`, `tools`, ...).
    */
    param(name: string): Json | undefined;
    /**
    * None removes it. Fails with `invalid-json` for what is none, and with `other` for the names that have setters of
    * their own (`model`, `messages` or what stands for it) and for `stream`.
    */
    setParam(name: string, value: Json | undefined): void;
    /**
    * By RFC 6901 pointer into the JSON of the whole request; the empty pointer is the whole. None: nothing is there.
    */
    get(pointer: string): Json | undefined;
    /**
    * None removes it. The last name of the pointer may be new, and `-` appends to a list; what leads there must
    * exist, or it fails with `no-such-place`. Fails with `invalid-json` for what is none.
    * `/model` is `model()` and `set-model`; `/stream` can't be set (`other`).
    */
    set(pointer: string, value: Json | undefined): void;
    /**
    * The whole request, with `model()` in it. It is copied into the plugin's memory: `get` of a part costs less.
    */
    toJson(): Json;
    /**
    * Of the JSON, in bytes, before `model()` is written into it.
    */
    size(): number;
    [Symbol.dispose](): void;
  }
  
  export class LlmResponse implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * What was asked of the model.
    */
    kind(): CallKind;
    /**
    * True: the answer was streamed and is gone; this is it put together, to be read only. Setters fail with `other`.
    */
    streamed(): boolean;
    /**
    * The upstream that answered; none: a plugin did.
    */
    provider(): string | undefined;
    /**
    * The model that the answer names.
    */
    model(): string | undefined;
    /**
    * The id that the provider gave the answer.
    */
    id(): string | undefined;
    /**
    * From the request's arrival, in milliseconds.
    */
    elapsed(): number;
    /**
    * 0 for an embedding.
    */
    choiceCount(): number;
    /**
    * Of a choice (`n` above 1 gives several), or none where it has no text.
    */
    text(choice: number): string | undefined;
    /**
    * Replaces it; content that is a list becomes a string. Log probabilities, which spell the old text, are emptied
    * with it. Fails with `no-such-place` for a choice that is not there or has no place for text.
    */
    setText(choice: number, value: string): void;
    /**
    * None: the provider gave none.
    */
    usage(): TokenUsage | undefined;
    /**
    * `stop`, `length`, `tool_calls`, ... None: the answer has none for that choice.
    */
    finishReason(choice: number): string | undefined;
    /**
    * By RFC 6901 pointer into the JSON of the whole answer. None: nothing is there.
    */
    get(pointer: string): Json | undefined;
    /**
    * None removes it. Fails as a request's `set` does.
    */
    set(pointer: string, value: Json | undefined): void;
    /**
    * The whole answer.
    */
    toJson(): Json;
    /**
    * Of the JSON, in bytes.
    */
    size(): number;
    [Symbol.dispose](): void;
  }
}
