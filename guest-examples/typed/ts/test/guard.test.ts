import type { HttpRequest } from 'heimdall:plugin/http-types@0.1.0';
import type { LlmRequest, LlmResponse } from 'heimdall:plugin/llm-types@0.1.0';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { httpRequestHook, lifecycle, postLlmHook, preLlmHook } from '../src/guard.js';
import * as context from './host/context.js';

beforeEach(() => {
  context.clear();
  return lifecycle.init('null');
});

/** A chat, as far as the guard asks and edits. */
function chat(...texts: string[]) {
  const edited = { texts, model: 'large' };
  const request: Partial<LlmRequest> = {
    kind: () => 'chat',
    model: () => edited.model,
    setModel: (name) => {
      edited.model = name;
    },
    messageCount: () => texts.length,
    messageText: (index) => texts[index],
    insertMessage: (index, { content }) => {
      texts.splice(index, 0, content.tag === 'text' ? content.val : '');
    },
  };
  return { request: request as LlmRequest, edited };
}

/** An answer of one choice. */
function answer(text: string, totalTokens: number) {
  const edited = { text };
  const response: Partial<LlmResponse> = {
    usage: () => ({ promptTokens: 0, completionTokens: totalTokens, totalTokens }),
    streamed: () => false,
    choiceCount: () => 1,
    text: () => edited.text,
    setText: (_choice, text) => {
      edited.text = text;
    },
  };
  return { response: response as LlmResponse, edited };
}

test('a bad configuration is refused as one', async () => {
  await assert.rejects(lifecycle.init('{"bannned": []}'), {
    payload: { tag: 'invalid-config', val: 'there is no key `bannned`' },
  });
});

test('a chat gets the system message first and is counted', async () => {
  const { request, edited } = chat('hello');
  assert.deepEqual(await preLlmHook.beforeCall(request), { tag: 'proceed' });
  assert.deepEqual(edited.texts, ['Rule of the typed ts guard: be kind.', 'hello']);
  assert.equal(context.get('guard-ts/messages'), '1');
});

test('a banned word is refused, without telling which', async () => {
  const outcome = await preLlmHook.beforeCall(chat('hello', 'a forbidden-word').request);
  assert(outcome.tag === 'refuse');
  assert.equal(outcome.val.code, 'banned_word');
  assert.doesNotMatch(outcome.val.message, /forbidden/);
});

test('the guard answers what it is told to, and nothing else', async () => {
  await lifecycle.init('{"answers": {"ping": "pong"}}');
  const pong = { tag: 'answer', val: { tag: 'completion', val: { text: 'pong' } } };
  assert.deepEqual(await preLlmHook.beforeCall(chat('hello', ' ping\n').request), pong);
  assert.deepEqual(await preLlmHook.beforeCall(chat('toString').request), { tag: 'proceed' });
});

test('another model is asked', async () => {
  await lifecycle.init('{"models": {"large": "small"}}');
  const { request, edited } = chat('hello');
  await preLlmHook.beforeCall(request);
  assert.equal(edited.model, 'small');
});

test('an answer is redacted, and the tokens of all attempts are added up', async () => {
  const { response, edited } = answer('a TOP-SECRET', 7);
  await postLlmHook.afterCall({ tag: 'response', val: response });
  await postLlmHook.afterCall({ tag: 'error', val: { message: 'slow down' } });
  await postLlmHook.afterCall({ tag: 'response', val: answer('b', 4).response });
  assert.equal(edited.text, 'a [redacted]');
  assert.equal(context.get('guard-ts/tokens'), '11');
});

test('a closed path is answered', async () => {
  await lifecycle.init('{"closed_paths": ["/closed"]}');
  const request: Partial<HttpRequest> = { path: () => '/closed' };
  const outcome = await httpRequestHook.onRequest(request as HttpRequest);
  assert(outcome.tag === 'respond');
  assert.equal(JSON.parse(new TextDecoder().decode(outcome.val.body)).error.code, 'closed_path');
});
