// The hook of streams. A secret may be cut in two by a chunk boundary, so text that could begin one is held back until
// the next chunk tells. What is held lies in the request's context, one entry for each choice, because the next chunk
// may meet another instance.

import * as context from 'heimdall:plugin/context@0.1.0';
import { config } from './config.js';
import { hooks } from './heimdall.js';

const KEY = 'guard-js/held/';

export const streamHook = hooks({
  onChunk(chunk) {
    const key = KEY + chunk.choice();
    const held = load(key);
    const text = chunk.text();
    if (text !== undefined) {
      passOn(chunk, key, text, held);
    } else if (held && endsText(chunk)) {
      context.remove(key);
      return { tag: 'replace', val: [held.event, chunk.toJson()] };
    }
    return { tag: 'proceed' };
  },

  onEnd() {
    return context
      .keys()
      .filter((key) => key.startsWith(KEY))
      .map((key) => {
        const { event } = load(key);
        context.remove(key);
        return event;
      });
  },
});

/** What is held of a choice: its `text` as it came, and the `event` that sends it, redacted, should nothing follow. */
function load(key) {
  const json = context.get(key);
  return json === undefined ? undefined : JSON.parse(json);
}

/** Sends what can be sent of the text held so far and this chunk's, and holds the rest. */
function passOn(chunk, key, text, held) {
  const joined = (held?.text ?? '') + text;
  if (endsText(chunk)) {
    chunk.setText(config.redactor.end(joined));
    context.remove(key);
    return;
  }
  const split = config.redactor.beginning(joined);
  if (split.held) {
    chunk.setText(config.redactor.end(split.held));
    context.set(key, JSON.stringify({ text: split.held, event: onlyText(chunk.toJson()) }));
  } else if (held) {
    context.remove(key);
  }
  if (split.held || split.ready !== text) chunk.setText(split.ready);
}

/**
 * True for a chunk after which its choice has no more text. Other chunks without text (tool calls, annotations) may
 * stand between the halves of a secret: they must not set the first half free.
 */
function endsText(chunk) {
  if (chunk.finishReason() !== undefined) return true;
  const type = JSON.parse(chunk.get('/type') ?? 'null');
  return typeof type === 'string' && ['done', 'completed', 'incomplete', 'failed'].some((end) => type.endsWith(end));
}

/** The chunk without the members that a client adds up: they have been sent with the chunk itself. */
function onlyText(json) {
  const chunk = JSON.parse(json);
  delete chunk.usage;
  for (const choice of chunk.choices ?? []) {
    delete choice.logprobs;
    if (choice.delta) choice.delta = { content: choice.delta.content };
  }
  return JSON.stringify(chunk);
}
