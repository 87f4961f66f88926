// The hooks, from JSON to JSON.

import { redactChoices } from './answer';
import { config, NAME } from './config';
import { closed, edit, shortCircuit } from './guard';
import { Json, Kind, Reader } from './json';
import { HeldOfRequest, pathOf, rememberPath } from './requests';

export function httpTransportIntercept(context: string, request: string): string {
  const inputs = new Inputs();
  const id = inputs.object(context).textOr('request_id', '');
  const path = inputs.object(request).textOr('path', '');
  if (inputs.problem !== '') return failure(inputs.problem);
  const isClosed = config.closedPaths.includes(path);
  if (!isClosed) rememberPath(id, path);
  return Json.object()
    .set('response', isClosed ? closed() : Json.nothing())
    .set('error', Json.text(''))
    .toString();
}

export function preHook(context: string, request: string): string {
  const inputs = new Inputs();
  const id = inputs.object(context).textOr('request_id', '');
  const asked = inputs.object(request);
  if (inputs.problem !== '') return failure(inputs.problem);
  const path = pathOf(id);
  const stop = shortCircuit(asked, path);
  if (stop === null) edit(asked, path);
  return Json.object()
    .set('request', asked)
    .set('short_circuit', stop === null ? Json.nothing() : stop)
    .set('error', Json.text(''))
    .toString();
}

/** Called for whole answers, and for each chunk of a streamed one. */
export function postHook(context: string, response: string, error: string): string {
  const inputs = new Inputs();
  const id = inputs.object(context).textOr('request_id', '');
  const answered = inputs.objectOrNull(response);
  const failed = inputs.objectOrNull(error);
  if (inputs.problem !== '') return failure(inputs.problem);
  const chat = answered.only(Kind.Object, 'chat_response');
  if (chat !== null && failed.isNull) redactChoices(chat, new HeldOfRequest(id));
  return Json.object().set('response', answered).set('bifrost_error', failed).set('error', Json.text('')).toString();
}

/** Reads the inputs of a hook. */
class Inputs {
  /** What is wrong with the first that is unusable. */
  problem: string = '';

  object(text: string): Json {
    const reader = new Reader(text);
    const object = reader.object();
    if (object !== null) return object;
    if (this.problem === '') this.problem = reader.problem;
    return Json.object();
  }

  /** No bytes stand for null too. */
  objectOrNull(text: string): Json {
    return text === '' || text === 'null' ? Json.nothing() : this.object(text);
  }
}

function failure(problem: string): string {
  return Json.object()
    .set('error', Json.text(`${NAME}: ${problem}`))
    .toString();
}
