import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

const ID = { request_id: 'r1' };
const user = (content) => ({ role: 'user', content });
const asked = (content, rest = {}) => ({ provider: 'p', model: 'm', input: [user(content)], ...rest });

test('it tells its name', () => {
  assert.equal(new Plugin().text('get_name'), 'legacy-as-stub');
});

test('a closed path is answered', () => {
  const output = new Plugin({ closed_paths: ['/v1/x'] }).call('http_transport_intercept', ID, { path: '/v1/x' });
  assert.equal(output.response.status_code, 403);
  assert.deepEqual(output.response.headers, { 'content-type': 'application/json', 'x-legacy': 'as-stub' });
  assert.deepEqual(JSON.parse(Buffer.from(output.response.body, 'base64').toString()), {
    error: { message: 'as-stub: this path is closed', type: 'policy_violation', code: 'closed_path' },
  });
});

test('another path is let through', () => {
  const output = new Plugin({ closed_paths: ['/v1/x'] }).call('http_transport_intercept', ID, { path: '/v1/y' });
  assert.deepEqual(output, { response: null, error: '' });
});

test('a banned word in any message is a short circuit', () => {
  for (const content of ['a forbidden-word', [{ type: 'text', text: 'a forbidden-word' }, { type: 'image_url' }]]) {
    const output = new Plugin().call('pre_hook', ID, { input: [user(content), user('b')] });
    assert.deepEqual(output.short_circuit, {
      error: {
        is_bifrost_error: false,
        status_code: 403,
        error: { message: 'as-stub: the request holds a banned word', type: 'policy_violation', code: 'banned_word' },
        allow_fallbacks: false,
      },
    });
  }
});

test('a conversation begins with the system message', () => {
  const output = new Plugin().call('pre_hook', ID, asked('hi', { params: { n: 2 } }));
  assert.deepEqual(output.request.input, [{ role: 'system', content: 'Rule of as-stub: be kind.' }, user('hi')]);
  assert.deepEqual(output.request.params, { n: 2 });
  assert.deepEqual([output.short_circuit, output.error], [null, '']);
});

test('a text to be embedded gets no system message, nor does a guard without one add it', () => {
  const plugin = new Plugin();
  plugin.call('http_transport_intercept', ID, { path: '/v1/embeddings' });
  const embedded = plugin.call('pre_hook', ID, asked('hi'));
  const silent = new Plugin({ system: null }).call('pre_hook', ID, asked('hi'));
  for (const output of [embedded, silent]) assert.deepEqual(output.request.input, [user('hi')]);
  const other = plugin.call('pre_hook', { request_id: 'r2' }, asked('hi'));
  assert.equal(other.request.input.length, 2);
});

test('of many requests the oldest is forgotten', () => {
  const plugin = new Plugin();
  for (let i = 0; i <= 1000; i++) {
    plugin.call('http_transport_intercept', { request_id: `r${i}` }, { path: '/v1/embeddings' });
  }
  const messages = (id) => plugin.call('pre_hook', { request_id: id }, asked('hi')).request.input.length;
  assert.deepEqual([messages('r0'), messages('r1'), messages('r1000')], [2, 1, 1]);
});

test('what the last message says is answered if an answer is configured', () => {
  const plugin = new Plugin({ answers: { ping: 'pong', 'a\nb': 'both' } });
  const output = plugin.call('pre_hook', ID, asked(' ping\n'));
  assert.deepEqual(output.short_circuit.response.chat_response, {
    id: '',
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'pong' }, finish_reason: 'stop' }],
  });
  const parts = ['a', 'b'].map((text) => ({ type: 'text', text }));
  const both = plugin.call('pre_hook', ID, asked(parts)).short_circuit.response.chat_response;
  assert.equal(both.choices[0].message.content, 'both');
  plugin.call('http_transport_intercept', { request_id: 'r2' }, { path: '/v1/embeddings' });
  assert.equal(plugin.call('pre_hook', { request_id: 'r2' }, asked('ping')).short_circuit, null);
  for (const text of ['constructor', '']) assert.equal(plugin.call('pre_hook', ID, asked(text)).short_circuit, null);
});

test('another model is asked where it is to', () => {
  const plugin = new Plugin({ models: { large: 'small', m: 'up/small/er' } });
  const large = plugin.call('pre_hook', ID, asked('hi', { model: 'large' })).request;
  const other = plugin.call('pre_hook', ID, asked('hi')).request;
  const same = plugin.call('pre_hook', ID, asked('hi', { model: 'constructor' })).request;
  const named = [large, other, same].map(({ provider, model }) => [provider, model]);
  assert.deepEqual(named, [
    ['p', 'small'],
    ['up', 'small/er'],
    ['p', 'constructor'],
  ]);
});

test('secrets in the texts of every choice are redacted, and nothing else', () => {
  const secret = 'a TOP-SECRET';
  const call = { function: { arguments: secret } };
  const choices = [
    { index: 0, message: { role: 'assistant', content: secret, tool_calls: [call] } },
    { index: 1, message: { role: 'assistant', content: [{ type: 'text', text: secret }, { type: 'other' }] } },
    { index: 2, message: { role: 'assistant', content: null } },
  ];
  const output = new Plugin().call('post_hook', ID, { chat_response: { id: 'x', choices } }, null);
  const redacted = structuredClone(choices);
  redacted[0].message.content = 'a [as-stub redacted]';
  redacted[1].message.content[0].text = 'a [as-stub redacted]';
  const expected = { response: { chat_response: { id: 'x', choices: redacted } }, bifrost_error: null, error: '' };
  assert.deepEqual(output, expected);
});

test('where an error is on its way nothing is changed', () => {
  const response = { chat_response: { choices: [{ message: { content: 'TOP-SECRET' } }] } };
  const error = { is_bifrost_error: false, status_code: 500, error: { type: null, message: 'down' } };
  for (const given of [response, null]) {
    const output = new Plugin().call('post_hook', ID, given, error);
    assert.deepEqual(output, { response: given, bifrost_error: error, error: '' });
  }
});

test('what is no JSON is a failure of the hook', () => {
  const plugin = new Plugin();
  const error = 'as-stub: invalid JSON: no text at character 1';
  const calls = [
    ['http_transport_intercept', '{}', '{'],
    ['pre_hook', '{', '{}'],
    ['post_hook', '{}', '{', '[]'],
  ];
  for (const call of calls) assert.deepEqual(JSON.parse(plugin.text(...call)), { error });
  assert.match(JSON.parse(plugin.text('pre_hook', '{}', '[]')).error, /^as-stub: invalid JSON: no object/);
});
