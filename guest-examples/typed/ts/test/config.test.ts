import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, SCHEMA } from '../src/config.js';

const config = (values: unknown) => new Config(JSON.stringify(values));

test('null and an empty object are the defaults', () => {
  assert.deepEqual(config(null), config({}));
  assert.deepEqual(config({}).banned, ['forbidden-word']);
});

test('the defaults of the schema are a configuration', () => {
  const defaults = Object.entries(SCHEMA.properties).map(([name, property]) => [name, property.default]);
  assert.deepEqual(config(Object.fromEntries(defaults)), config(null));
});

test('a null system message is none', () => {
  assert.equal(config({ system: null }).system, null);
});

test('what is no configuration is refused', () => {
  for (const bad of [
    '',
    '[]',
    '7',
    '{"banned": "word"}',
    '{"bannned": []}',
    '{"secrets": [""]}',
    '{"models": {"a": 1}}',
    '{"__proto__": {}}',
  ]) {
    assert.throws(() => new Config(bad), bad);
  }
});

test("another model may be another upstream's", () => {
  const other = config({ models: { large: 'small', old: 'mill/new/er' } });
  assert.deepEqual(other.insteadOf('large'), { model: 'small' });
  assert.deepEqual(other.insteadOf('old'), { upstream: 'mill', model: 'new/er' });
  assert.equal(other.insteadOf('small'), undefined);
  assert.equal(other.insteadOf('constructor'), undefined);
});

test('a banned word is found anywhere in a text', () => {
  assert.ok(config(null).isBanned('say forbidden-words'));
  assert.ok(!config(null).isBanned('say forbidden words'));
});
