import type { LlmChunk } from 'heimdall:plugin/llm-types@0.1.0';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { configure } from '../src/config.js';
import { streamHook } from '../src/stream.js';
import * as context from './host/context.js';

beforeEach(() => {
  context.clear();
  configure('null');
});

interface Event {
  usage?: object;
  choices: [{ index: number; delta: { role?: string; content?: string }; finish_reason?: string }];
}

/** A chunk of a chat; `end` is its finish reason. */
function chunk(content?: string, end?: string, index = 0): LlmChunk {
  const event: Event = { usage: {}, choices: [{ index, delta: { role: 'assistant', content }, finish_reason: end }] };
  const { delta } = event.choices[0];
  const chunk: Partial<LlmChunk> = {
    choice: () => index,
    text: () => delta.content,
    setText: (text) => {
      delta.content = text;
    },
    finishReason: () => end,
    get: () => undefined,
    toJson: () => JSON.stringify(event),
  };
  return chunk as LlmChunk;
}

/** The texts that the client gets of each choice. */
async function sent(chunks: LlmChunk[]): Promise<string[]> {
  const texts: string[] = [];
  const send = (json: string) => {
    const { index, delta } = (JSON.parse(json) as Event).choices[0];
    texts[index] = (texts[index] ?? '') + (delta.content ?? '');
  };
  for (const chunk of chunks) {
    const outcome = await streamHook.onChunk(chunk);
    for (const event of outcome.tag === 'replace' ? outcome.val : [chunk.toJson()]) send(event);
  }
  for (const event of await streamHook.onEnd()) send(event);
  assert.deepEqual(context.keys(), []);
  return texts;
}

test('a secret that is cut in two is redacted', async () => {
  const chunks = [chunk('a TOP-'), chunk('SEC'), chunk('RET b'), chunk(undefined, 'stop')];
  assert.deepEqual(await sent(chunks), ['a [redacted] b']);
});

test('each choice has its own', async () => {
  const chunks = [chunk('TOP-'), chunk('TOP-S', undefined, 1), chunk('SECRET'), chunk('AFE', 'stop', 1)];
  assert.deepEqual(await sent(chunks), ['[redacted]', 'TOP-SAFE']);
});

test('what is held goes out with the last chunk of its choice, or at the end', async () => {
  assert.deepEqual(await sent([chunk('TOP-', 'length')]), ['TOP-']);
  assert.deepEqual(await sent([chunk('TOP-'), chunk(undefined, 'stop')]), ['TOP-']);
  assert.deepEqual(await sent([chunk('TOP-')]), ['TOP-']);
});

test('a chunk without text between the halves sets nothing free', async () => {
  assert.deepEqual(await sent([chunk('TOP-'), chunk(), chunk('SECRET')]), ['[redacted]']);
});

test('what is held is sent without what a client adds up', async () => {
  await streamHook.onChunk(chunk('TOP-'));
  const choice = { index: 0, delta: { content: 'TOP-' } };
  assert.deepEqual(
    (await streamHook.onEnd()).map((event) => JSON.parse(event)),
    [{ choices: [choice] }],
  );
});
