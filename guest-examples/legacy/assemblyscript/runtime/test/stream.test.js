import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

/** Sends chunks, each a list of choices, through one stream; returns the choices as they come out. */
function send(chunks, config, context = {}) {
  const plugin = new Plugin(config);
  return chunks.map((choices) => {
    const chat_response = { object: 'chat.completion.chunk', choices };
    const output = plugin.call('post_hook', { context, response: { chat_response }, error: {}, has_error: false });
    Object.assign(context, output.context);
    return output.response.chat_response.choices;
  });
}

const text = (content, index = 0, finish_reason = null) => ({ index, delta: { content }, finish_reason });
const end = (index = 0) => ({ index, delta: {}, finish_reason: 'stop' });
const textOf = (chunks, index = 0) =>
  chunks
    .flat()
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta?.content ?? '')
    .join('');

test('a secret is redacted across chunks', () => {
  const context = {};
  const out = send([[text('a TOP-')], [text('SEC')], [text('RET b')], [end()]], undefined, context);
  assert.equal(textOf(out), 'a [as redacted] b');
  assert.equal(context['as/held/0'], '');
});

test('what only began like a secret comes with the chunk that ends its choice', () => {
  for (const last of [end(), { index: 0, delta: null, finish_reason: 'stop' }, { index: 0, finish_reason: 'stop' }]) {
    const out = send([[text('a TOP-')], [last]]);
    assert.deepEqual(out[1], [{ index: 0, delta: { content: 'TOP-' }, finish_reason: 'stop' }]);
  }
  assert.equal(textOf(send([[text('a TOP-')], [text('SECRE', 0, 'stop')]])), 'a TOP-SECRE');
});

test('the longest secret waits for its end, between characters of several bytes too', () => {
  const config = { secrets: ['schlüssel', 'schlüsselbund'] };
  const chunks = ['a schl', 'üssel', 'bund b', ' schlüs'].map((piece) => [text(piece)]);
  assert.equal(textOf(send([...chunks, [end()]], config)), 'a [as redacted] b schlüs');
});

test('choices that take turns do not mix', () => {
  const out = send([
    [text('TOP-', 0)],
    [text('TOP-', 1)],
    [text('SECRET', 0), text('x', 1)],
    [text(' TOP', 1)],
    [end(0), end(1)],
  ]);
  assert.deepEqual([textOf(out, 0), textOf(out, 1)], ['[as redacted]', 'TOP-x TOP']);
});

test('a chunk without text leaves what is held as it is', () => {
  const call = { index: 0, delta: { tool_calls: [{ function: { arguments: 'TOP-SECRET' } }] }, finish_reason: null };
  const out = send([[text('TOP-')], [call], [], [text('SECRET')], [end()]]);
  assert.deepEqual(out[1], [call]);
  assert.equal(textOf(out), '[as redacted]');
});

test('a chunk that ends a choice gets no content that nobody held', () => {
  assert.deepEqual(send([[text('plain')], [end()]])[1], [end()]);
});

test('texts in a list of parts are redacted one by one', () => {
  const parts = (word) => text([{ type: 'text', text: word }]);
  assert.deepEqual(send([[parts('a TOP-SECRET')]]), [[parts('a [as redacted]')]]);
});

test('an empty reason ends nothing', () => {
  assert.equal(textOf(send([[text('a TOP-', 0, '')], [text('SECRET b', 0, '')], [end()]])), 'a [as redacted] b');
});

test('what is held goes before the parts that end a choice, as a text of its own', () => {
  const parts = (...texts) =>
    text(
      texts.map((text) => ({ type: 'text', text })),
      0,
      'stop',
    );
  const out = send([[text('a TOP')], [parts('b TOP-SECRET')], [text('-SECRE')]]);
  assert.deepEqual(out.slice(1), [[parts('TOP', 'b [as redacted]')], [text('-SECRE')]]);
});

test('the tokens are those of the chunk that carries them', () => {
  const response = { chat_response: { object: 'chat.completion.chunk', choices: [], usage: { total_tokens: 9 } } };
  const output = new Plugin().call('post_hook', { context: { 'as/tokens': 1 }, response });
  assert.equal(output.context['as/tokens'], 10);
});
