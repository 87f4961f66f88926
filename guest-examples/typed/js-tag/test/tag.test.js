import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lifecycle, preLlmHook } from '../src/tag.js';
import * as context from './host/context.js';

const text = (val) => ({ tag: 'text', val });
const parts = (...contents) => ({ tag: 'parts', val: contents.map((content) => ({ content })) });

/** The contents of a request's messages, after the hook. */
async function tagged(...messages) {
  const request = {
    messageCount: () => messages.length,
    messageAt: (index) => structuredClone(messages[index]),
    setMessage: (index, message) => {
      messages[index] = message;
    },
  };
  assert.deepEqual(await preLlmHook.beforeCall(request), { tag: 'proceed' });
  return messages.map((message) => message.content);
}

test('the last user message gets the tag', async () => {
  await lifecycle.init('{"tag": "blue"}');
  assert.deepEqual(
    await tagged(
      { role: 'user', content: text('one') },
      { role: 'user', content: text('two') },
      { role: 'assistant', content: text('three') },
    ),
    [text('one'), text('two [tag:blue]'), text('three')],
  );
  assert.equal(context.get('tag'), '"blue"');
});

test('the last text of its parts gets it', async () => {
  await lifecycle.init('null');
  const image = { tag: 'image-url', val: 'data:,' };
  assert.deepEqual(await tagged({ role: 'user', content: parts(text('a'), text('b'), image) }), [
    parts(text('a'), text('b [tag:tagged]'), image),
  ]);
});

test('where there is no text, nothing is tagged', async () => {
  const messages = [
    { role: 'system', content: text('a') },
    { role: 'user', content: { tag: 'empty' } },
  ];
  assert.deepEqual(await tagged(...messages), [text('a'), { tag: 'empty' }]);
});

test('a bad configuration is refused as one', async () => {
  await assert.rejects(lifecycle.init('{'), (error) => error.payload.tag === 'invalid-config');
});
