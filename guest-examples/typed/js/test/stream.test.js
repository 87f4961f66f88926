import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { configure } from '../src/config.js';
import { streamHook } from '../src/stream.js';
import * as context from './host/context.js';

beforeEach(() => {
  context.clear();
  configure('null');
});

/** A chunk of a chat; `end` is its finish reason. */
class Chunk {
  constructor(content, end, index = 0) {
    this.event = { usage: {}, choices: [{ index, delta: { role: 'assistant', content }, finish_reason: end }] };
  }
  choice = () => this.event.choices[0].index;
  text = () => this.event.choices[0].delta.content;
  setText(text) {
    this.event.choices[0].delta.content = text;
  }
  finishReason = () => this.event.choices[0].finish_reason;
  get = () => undefined;
  toJson = () => JSON.stringify(this.event);
}

/** The texts that the client gets of each choice. */
async function sent(chunks) {
  const texts = {};
  const send = ({ choices: [{ index, delta }] }) => {
    texts[index] = (texts[index] ?? '') + (delta.content ?? '');
  };
  for (const chunk of chunks) {
    const outcome = await streamHook.onChunk(chunk);
    const events = outcome.tag === 'replace' ? outcome.val : [chunk.toJson()];
    for (const event of events) send(JSON.parse(event));
  }
  for (const event of await streamHook.onEnd()) send(JSON.parse(event));
  assert.deepEqual(context.keys(), []);
  return texts;
}

test('a secret that is cut in two is redacted', async () => {
  const chunks = [new Chunk('a TOP-'), new Chunk('SEC'), new Chunk('RET b'), new Chunk(undefined, 'stop')];
  assert.deepEqual(await sent(chunks), { 0: 'a [redacted] b' });
});

test('each choice has its own', async () => {
  const chunks = [
    new Chunk('TOP-'),
    new Chunk('TOP-S', undefined, 1),
    new Chunk('SECRET'),
    new Chunk('AFE', 'stop', 1),
  ];
  assert.deepEqual(await sent(chunks), { 0: '[redacted]', 1: 'TOP-SAFE' });
});

test('what is held goes out with the last chunk of its choice, or at the end', async () => {
  assert.deepEqual(await sent([new Chunk('TOP-', 'length')]), { 0: 'TOP-' });
  assert.deepEqual(await sent([new Chunk('TOP-'), new Chunk(undefined, 'stop')]), { 0: 'TOP-' });
  assert.deepEqual(await sent([new Chunk('TOP-')]), { 0: 'TOP-' });
});

test('a chunk without text between the halves sets nothing free', async () => {
  assert.deepEqual(await sent([new Chunk('TOP-'), new Chunk(), new Chunk('SECRET')]), { 0: '[redacted]' });
});

test('what is held is sent without what a client adds up', async () => {
  await streamHook.onChunk(new Chunk('TOP-'));
  const choice = { index: 0, delta: { content: 'TOP-' } };
  assert.deepEqual((await streamHook.onEnd()).map(JSON.parse), [{ choices: [choice] }]);
});
