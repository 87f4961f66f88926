import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redactor } from '../src/redact.js';

/** Sends the pieces one by one, as a stream does. */
function stream(redactor: Redactor, pieces: string[]): string {
  let out = '';
  let left = '';
  for (const piece of pieces) {
    const { ready, held } = redactor.beginning(left + piece);
    out += ready;
    left = held;
  }
  return out + redactor.end(left);
}

test('a text without a secret is left alone', () => {
  assert.equal(new Redactor(['TOP-SECRET']).whole('TOP-SECRE'), undefined);
  assert.equal(new Redactor([]).whole('TOP-SECRET'), undefined);
});

test('every secret of a text is redacted', () => {
  const redactor = new Redactor(['ab', 'abc', 'é']);
  assert.equal(redactor.whole('abc ab é x'), '[redacted] [redacted] [redacted] x');
});

test('a secret is a text, not a pattern', () => {
  const redactor = new Redactor(['a.c', '$&', '(?:x)|[y]\\']);
  assert.equal(redactor.whole('abc a.c $& (?:x)|[y]\\ x'), 'abc [redacted] [redacted] [redacted] x');
});

test('only a tail that could begin a secret is held', () => {
  const redactor = new Redactor(['TOP-SECRET']);
  const cases: [string, string, string][] = [
    ['plain', 'plain', ''],
    ['a TOP', 'a ', 'TOP'],
    ['TOP-SECRET', '[redacted]', ''],
    ['T TO', 'T ', 'TO'],
  ];
  for (const [text, ready, held] of cases) {
    assert.deepEqual(redactor.beginning(text), { ready, held }, text);
  }
});

test('a secret is held that could be the beginning of a longer one, or hold one', () => {
  const redactor = new Redactor(['TOP', 'TOP-SECRET', 'abcd', 'bc']);
  assert.deepEqual(redactor.beginning('x TOP'), { ready: 'x ', held: 'TOP' });
  assert.deepEqual(redactor.beginning('TOP abc'), { ready: '[redacted] ', held: 'abc' });
  assert.deepEqual(redactor.beginning('TOP abce'), { ready: '[redacted] a[redacted]e', held: '' });
});

test('a stream is redacted wherever it is cut', () => {
  const redactor = new Redactor(['TOP-SECRET', 'TOP-SECRETARY', 'schlüssel', '🔑🔒']);
  const text = 'TOTOP-SECRET is TOP-SECRETARY, the schlüssel, 🔑🔑🔒; TOP-';
  const expected = 'TO[redacted] is [redacted], the [redacted], 🔑[redacted]; TOP-';
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      const pieces = [text.slice(0, a), text.slice(a, b), text.slice(b)];
      assert.equal(stream(redactor, pieces), expected, `cut at ${a} and ${b}`);
    }
  }
});
