// What the guard decides and edits on the way to a model.

import { base64 } from './base64';
import { config, NAME } from './config';
import { Json, Kind } from './json';
import { textMessage, textsOf } from './message';

/** The response to a request for a closed path. */
export function closed(): Json {
  const body = errorField(`${NAME}: this path is closed`, 'closed_path');
  const headers = Json.object().set('content-type', Json.text('application/json')).set('x-legacy', Json.text(NAME));
  return Json.object()
    .set('status_code', Json.number(403))
    .set('headers', headers)
    .set('body', Json.text(base64(Json.object().set('error', body).toString())));
}

/** What ends the way to the model, if something does. */
export function shortCircuit(request: Json, path: string): Json | null {
  const messages = messagesOf(request);
  for (let i = 0; i < messages.length; i++) {
    const texts = textsOf(messages[i]);
    for (let j = 0; j < texts.length; j++) if (config.isBanned(texts[j].text)) return refusal();
  }
  // A text to be embedded asks nothing.
  if (messages.length === 0 || path.endsWith('/embeddings')) return null;
  const texts = textsOf(messages[messages.length - 1]).map<string>((text: Json) => text.text);
  const asked = texts.join('\n').trim();
  if (texts.length === 0 || !config.answers.has(asked)) return null;
  return answer(config.answers.get(asked), request.textOr('model', ''));
}

/** Asks another model where it is to, and puts the system message first in what is a conversation. */
export function edit(request: Json, path: string): void {
  const model = request.textOr('model', '');
  if (config.models.has(model)) {
    const other = config.models.get(model);
    const slash = other.indexOf('/');
    if (slash >= 0) request.set('provider', Json.text(other.substring(0, slash)));
    request.set('model', Json.text(other.substring(slash + 1)));
  }
  const system = config.system;
  if (system !== null && isConversation(path)) {
    request.set('input', Json.list([textMessage('system', system)].concat(messagesOf(request))));
  }
}

export function messagesOf(request: Json): Json[] {
  const input = request.only(Kind.List, 'input');
  return input === null ? [] : input.values;
}

/** Texts to be completed or embedded have no place for a system message. Without a path it is a conversation. */
function isConversation(path: string): bool {
  return path === '' || path.endsWith('/chat/completions') || path.endsWith('/responses');
}

function refusal(): Json {
  const error = Json.object()
    .set('is_bifrost_error', Json.flag(false))
    .set('status_code', Json.number(403))
    .set('error', errorField(`${NAME}: the request holds a banned word`, 'banned_word'))
    .set('allow_fallbacks', Json.flag(false));
  return Json.object().set('error', error);
}

function errorField(message: string, code: string): Json {
  return Json.object()
    .set('message', Json.text(message))
    .set('type', Json.text('policy_violation'))
    .set('code', Json.text(code));
}

function answer(text: string, model: string): Json {
  const choice = Json.object()
    .set('index', Json.number(0))
    .set('message', textMessage('assistant', text))
    .set('finish_reason', Json.text('stop'));
  const chat = Json.object()
    .set('id', Json.text(''))
    .set('model', Json.text(model))
    .set('choices', Json.list([choice]));
  return Json.object().set('response', Json.object().set('chat_response', chat));
}
