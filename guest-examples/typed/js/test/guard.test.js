import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { httpRequestHook, lifecycle, postLlmHook, preLlmHook } from '../src/guard.js';
import * as context from './host/context.js';

beforeEach(() => {
  context.clear();
  return lifecycle.init('null');
});

/** A chat, as far as the guard asks and edits. */
class Chat {
  constructor(...texts) {
    this.texts = texts;
  }
  kind = () => 'chat';
  model = () => 'large';
  messageCount = () => this.texts.length;
  messageText = (index) => this.texts[index];
  insertMessage(index, message) {
    this.texts.splice(index, 0, message.content.val);
  }
  setModel(name) {
    this.newModel = name;
  }
}

/** An answer of one choice. */
class Answer {
  constructor(text, totalTokens) {
    this.newText = text;
    this.usage = () => ({ totalTokens });
  }
  streamed = () => false;
  choiceCount = () => 1;
  text = () => this.newText;
  setText(_choice, text) {
    this.newText = text;
  }
}

test('a bad configuration is refused as one', async () => {
  await assert.rejects(lifecycle.init('{"bannned": []}'), {
    payload: { tag: 'invalid-config', val: 'there is no key `bannned`' },
  });
});

test('a chat gets the system message first and is counted', async () => {
  const chat = new Chat('hello');
  assert.deepEqual(await preLlmHook.beforeCall(chat), { tag: 'proceed' });
  assert.deepEqual(chat.texts, ['Rule of the typed js guard: be kind.', 'hello']);
  assert.equal(context.get('guard-js/messages'), '1');
});

test('a banned word is refused, without telling which', async () => {
  const { tag, val } = await preLlmHook.beforeCall(new Chat('hello', 'a forbidden-word'));
  assert.equal(tag, 'refuse');
  assert.equal(val.code, 'banned_word');
  assert.doesNotMatch(val.message, /forbidden/);
});

test('the guard answers what it is told to, and nothing else', async () => {
  await lifecycle.init('{"answers": {"ping": "pong"}}');
  const answer = { tag: 'answer', val: { tag: 'completion', val: { text: 'pong' } } };
  assert.deepEqual(await preLlmHook.beforeCall(new Chat('hello', ' ping\n')), answer);
  assert.deepEqual(await preLlmHook.beforeCall(new Chat('toString')), { tag: 'proceed' });
});

test('another model is asked', async () => {
  await lifecycle.init('{"models": {"large": "small"}}');
  const chat = new Chat('hello');
  await preLlmHook.beforeCall(chat);
  assert.equal(chat.newModel, 'small');
});

test('an answer is redacted, and the tokens of all attempts are added up', async () => {
  const answer = new Answer('a TOP-SECRET', 7);
  for (const upstream of [
    { tag: 'response', val: answer },
    { tag: 'error', val: { message: 'slow down' } },
    { tag: 'response', val: new Answer('b', 4) },
  ]) {
    assert.deepEqual(await postLlmHook.afterCall(upstream), { tag: 'proceed' });
  }
  assert.equal(answer.newText, 'a [redacted]');
  assert.equal(context.get('guard-js/tokens'), '11');
});

test('a closed path is answered', async () => {
  await lifecycle.init('{"closed_paths": ["/closed"]}');
  const { tag, val } = await httpRequestHook.onRequest({ path: () => '/closed' });
  assert.equal(tag, 'respond');
  assert.equal(JSON.parse(new TextDecoder().decode(val.body)).error.code, 'closed_path');
});
