import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

const plugin = new Plugin();
const stream = (secrets, pieces) => plugin.call('redact_stream', { secrets, pieces });

test('only a tail that could begin a secret is held', () => {
  const cases = [
    ['plain', 'plain', ''],
    ['a TOP', 'a ', 'TOP'],
    ['TOP-SECRET', '[x]', ''],
    ['T TO', 'T ', 'TO'],
  ];
  for (const [text, ready, held] of cases) assert.deepEqual(stream(['TOP-SECRET'], [text]), [ready, held]);
});

test('the longest of the secrets that begin at one place is redacted, the earliest first', () => {
  assert.equal(stream(['ab', 'abc', 'bcd', 'é'], ['abc abcd ab é bcd']).join(''), '[x] [x]d [x] [x] [x]');
});

test('a longer secret may follow a shorter one in the next piece', () => {
  const pieces = ['a schl', 'üssel', 'bund b', ' schlüs'];
  assert.deepEqual(stream(['schlüssel', 'schlüsselbund'], pieces), ['a ', '', '[x] b', ' ', 'schlüs']);
});

test('a stream is redacted wherever it is cut', () => {
  const secrets = ['TOP-SECRET', 'TOP-SECRETARY', 'schlüssel', '😀x'];
  const text = 'TOTOP-SECRET is TOP-SECRETARY, the schlüssel 😀x; TOP-';
  const characters = [...text];
  for (let a = 0; a <= characters.length; a++) {
    for (let b = a; b <= characters.length; b++) {
      const pieces = [characters.slice(0, a), characters.slice(a, b), characters.slice(b)].map((cut) => cut.join(''));
      const out = stream(secrets, pieces).join('');
      assert.equal(out, 'TO[x] is [x], the [x] [x]; TOP-', `cut at ${a} and ${b}`);
    }
  }
});

test('without secrets nothing is held', () => {
  assert.deepEqual(stream([], ['a', 'TOP-']), ['a', 'TOP-', '']);
});
