import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

test('without a configuration the defaults hold, and unknown keys are ignored', () => {
  for (const config of [undefined, {}, { reads: 'other/key', unknown: [1] }])
    assert.equal(new Plugin(config).started, 0);
});

test('null means no system message, and null nowhere else', () => {
  assert.equal(new Plugin({ system: null }).started, 0);
  for (const key of ['banned', 'secrets', 'closed_paths', 'models', 'answers']) {
    assert.equal(new Plugin({ [key]: null }).started, 1, key);
  }
});

test('an unusable configuration fails the start', () => {
  const configs = [
    '{',
    'null',
    '[]',
    '{} {}',
    { banned: 'word' },
    { banned: [1] },
    { secrets: [''] },
    { system: 7 },
    { closed_paths: {} },
    { models: ['a'] },
    { models: { a: null } },
    { answers: { a: 1 } },
  ];
  for (const config of configs) assert.equal(new Plugin(config).started, 1, JSON.stringify(config));
});
