import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

const user = (content) => ({ role: 'user', content });
const asked = (content, rest = {}) => ({ request: { provider: 'p', model: 'm', input: [user(content)], ...rest } });

test('it tells its name', () => {
  assert.equal(new Plugin().text('get_name'), 'legacy-as');
});

test('a closed path is answered', () => {
  const output = new Plugin({ closed_paths: ['/v1/x'] }).call('http_intercept', { request: { path: '/v1/x' } });
  assert.equal(output.has_response, true);
  assert.equal(output.response.status_code, 403);
  assert.deepEqual(output.response.headers, { 'content-type': 'application/json', 'x-legacy': 'as' });
  assert.deepEqual(JSON.parse(Buffer.from(output.response.body, 'base64').toString()), {
    error: { message: 'as: this path is closed', type: 'policy_violation', code: 'closed_path' },
  });
});

test('a request gets a header, and its path goes into the context', () => {
  const request = { path: '/v1/x', headers: { a: 'b' }, unknown: { n: 1 } };
  const output = new Plugin({ header: 'mine' }).call('http_intercept', { context: { other: 1 }, request });
  assert.deepEqual(output.request, { ...request, headers: { a: 'b', 'x-legacy-request': 'mine' } });
  assert.deepEqual(output.context, { other: 1, 'as/path': '/v1/x' });
  assert.deepEqual([output.has_response, output.response, output.error], [false, null, '']);
});

test('a banned word in any message is a short circuit', () => {
  for (const content of ['a forbidden-word', [{ type: 'text', text: 'a forbidden-word' }, { type: 'image_url' }]]) {
    const output = new Plugin().call('pre_hook', { request: { input: [user(content), user('b')] } });
    assert.equal(output.has_short_circuit, true);
    assert.deepEqual(output.short_circuit, {
      error: {
        is_bifrost_error: false,
        status_code: 403,
        error: { message: 'as: the request holds a banned word', type: 'policy_violation', code: 'banned_word' },
        allow_fallbacks: false,
      },
    });
  }
});

test('a conversation begins with the system message, and is counted without it', () => {
  const output = new Plugin().call('pre_hook', asked('hi', { params: { n: 2 } }));
  assert.deepEqual(output.request.input, [{ role: 'system', content: 'Rule of as: be kind.' }, user('hi')]);
  assert.deepEqual(output.request.params, { n: 2 });
  assert.equal(output.context['as/messages'], 1);
  assert.deepEqual([output.short_circuit, output.has_short_circuit], [null, false]);
});

test('a text to be embedded gets no system message, nor does a guard without one add it', () => {
  const plugin = new Plugin();
  const { context } = plugin.call('http_intercept', { request: { path: '/v1/embeddings' } });
  const embedded = plugin.call('pre_hook', { context, ...asked('hi') });
  const silent = new Plugin({ system: null }).call('pre_hook', asked('hi'));
  for (const output of [embedded, silent]) assert.deepEqual(output.request.input, [user('hi')]);
});

test('what the last message says is answered if an answer is configured', () => {
  const plugin = new Plugin({ answers: { ping: 'pong', 'a\nb': 'both' } });
  const output = plugin.call('pre_hook', asked(' ping\n'));
  assert.equal(output.has_short_circuit, true);
  assert.deepEqual(output.short_circuit.response.chat_response, {
    id: '',
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'pong' }, finish_reason: 'stop' }],
  });
  assert.equal(output.context['as/messages'], 1);
  const parts = ['a', 'b'].map((text) => ({ type: 'text', text }));
  const both = plugin.call('pre_hook', asked(parts)).short_circuit.response.chat_response;
  assert.equal(both.choices[0].message.content, 'both');
  const embedded = plugin.call('pre_hook', { context: { 'as/path': '/v1/embeddings' }, ...asked('ping') });
  assert.equal(embedded.short_circuit, null);
  for (const text of ['constructor', '']) assert.equal(plugin.call('pre_hook', asked(text)).short_circuit, null);
});

test('another model is asked where it is to', () => {
  const plugin = new Plugin({ models: { large: 'small', m: 'up/small/er' } });
  const large = plugin.call('pre_hook', asked('hi', { model: 'large' })).request;
  const other = plugin.call('pre_hook', asked('hi')).request;
  const same = plugin.call('pre_hook', asked('hi', { model: 'constructor' })).request;
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
  const output = new Plugin().call('post_hook', { context: {}, response: { chat_response: { id: 'x', choices } } });
  const redacted = structuredClone(choices);
  redacted[0].message.content = 'a [as redacted]';
  redacted[1].message.content[0].text = 'a [as redacted]';
  assert.deepEqual(output.response, { chat_response: { id: 'x', choices: redacted } });
});

test('the tokens of all attempts are added up', () => {
  const plugin = new Plugin();
  let context = {};
  for (const total_tokens of [6, 7]) {
    const response = { chat_response: { choices: [], usage: { total_tokens } } };
    context = plugin.call('post_hook', { context, response, error: {}, has_error: false }).context;
  }
  assert.deepEqual(context, { 'as/tokens': 13 });
});

test('where an error is on its way nothing is changed', () => {
  const response = { chat_response: { choices: [{ message: { content: 'TOP-SECRET' } }], usage: { total_tokens: 1 } } };
  const input = { context: {}, response, error: { error: { message: 'down' } }, has_error: true };
  assert.deepEqual(new Plugin().call('post_hook', input), { ...input, hook_error: '' });
});

test('what is no JSON is a failure of the hook', () => {
  const plugin = new Plugin();
  for (const [hook, member] of [
    ['http_intercept', 'error'],
    ['pre_hook', 'error'],
    ['post_hook', 'hook_error'],
  ]) {
    assert.deepEqual(JSON.parse(plugin.text(hook, '{')), { [member]: 'as: invalid JSON: no text at character 1' });
    assert.match(JSON.parse(plugin.text(hook, '[]'))[member], /^as: invalid JSON: no object/);
  }
});

test('memory is used again', () => {
  const plugin = new Plugin();
  const call = () => plugin.call('pre_hook', asked('x'.repeat(2000)));
  for (let i = 0; i < 300; i++) call();
  const pages = plugin.memoryPages;
  for (let i = 0; i < 1000; i++) call();
  assert.equal(plugin.memoryPages, pages);
});
