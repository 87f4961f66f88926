// The hooks, from JSON to JSON.

import { Held, redactChoices } from './answer';
import { config, NAME } from './config';
import { closed, edit, messagesOf, shortCircuit } from './guard';
import { Json, Kind, Reader } from './json';

const PATH: string = `${NAME}/path`;
const MESSAGES: string = `${NAME}/messages`;
const TOKENS: string = `${NAME}/tokens`;
const HELD: string = `${NAME}/held/`;

export function httpIntercept(text: string): string {
  const reader = new Reader(text);
  const input = reader.object();
  if (input === null) return failure('error', reader.problem);
  const context = input.objectOf('context');
  const request = input.objectOf('request');
  const path = request.textOr('path', '');
  const isClosed = config.closedPaths.includes(path);
  if (!isClosed) {
    request.set('headers', request.objectOf('headers').set('x-legacy-request', Json.text(config.header)));
    context.set(PATH, Json.text(path));
  }
  return Json.object()
    .set('context', context)
    .set('request', request)
    .set('response', isClosed ? closed() : Json.nothing())
    .set('has_response', Json.flag(isClosed))
    .set('error', Json.text(''))
    .toString();
}

export function preHook(text: string): string {
  const reader = new Reader(text);
  const input = reader.object();
  if (input === null) return failure('error', reader.problem);
  const context = input.objectOf('context');
  const request = input.objectOf('request');
  const path = context.textOr(PATH, '');
  const stop = shortCircuit(request, path);
  if (stop === null || stop.get('error') === null) {
    context.set(MESSAGES, Json.number(messagesOf(request).length));
  }
  if (stop === null) edit(request, path);
  return Json.object()
    .set('context', context)
    .set('request', request)
    .set('short_circuit', stop === null ? Json.nothing() : stop)
    .set('has_short_circuit', Json.flag(stop !== null))
    .set('error', Json.text(''))
    .toString();
}

/** Called for whole answers, and for each chunk of a streamed one. */
export function postHook(text: string): string {
  const reader = new Reader(text);
  const input = reader.object();
  if (input === null) return failure('hook_error', reader.problem);
  const context = input.objectOf('context');
  const chat = input.objectOf('response').only(Kind.Object, 'chat_response');
  if (chat !== null && !input.isSet('has_error')) {
    redactChoices(chat, new HeldInContext(context));
    count(chat, context);
  }
  return input.set('context', context).set('hook_error', Json.text('')).toString();
}

/** Adds to the tokens of this request: those of all its attempts. */
function count(chat: Json, context: Json): void {
  const total = chat.objectOf('usage').only(Kind.Number, 'total_tokens');
  if (total === null) return;
  const before = context.only(Kind.Number, TOKENS);
  context.set(TOKENS, Json.number(total.count + (before === null ? 0 : before.count)));
}

/** The context travels with the request, in and out of each hook. */
class HeldInContext implements Held {
  constructor(private context: Json) {}

  get(choice: string): string {
    return this.context.textOr(HELD + choice, '');
  }

  set(choice: string, text: string): void {
    if (this.get(choice) !== text) this.context.set(HELD + choice, Json.text(text));
  }
}

/** The member is the one in which the host looks for a failure of the hook. */
function failure(member: string, problem: string): string {
  return Json.object()
    .set(member, Json.text(`${NAME}: ${problem}`))
    .toString();
}
