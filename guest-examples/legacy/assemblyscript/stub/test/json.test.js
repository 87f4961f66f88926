import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

const plugin = new Plugin();

test('what nobody edits keeps its spelling', () => {
  const documents = [
    '{"a":[1,-2.50,1e+9,123456789012345678901234567890],"b":{"":null,"c":[true,false,{}]},"d":[]}',
    '"\\u00e9\\/\\ud83d\\ude00 \\n\\ud800 é😀"',
    '{"a":1,"a":2}',
    '"NUL \\u0000"',
  ];
  for (const document of documents) assert.equal(plugin.text('reprint', document), document);
});

test('space around values is not printed again', () => {
  assert.equal(plugin.text('reprint', ' { "a" :\t[ 1 , 2 ]\r\n} '), '{"a":[1,2]}');
});

test('a text that is made anew is spelled so that it says the same', () => {
  const texts = ['', 'plain é 😀', 'a "quoted" \\ back\nslash\t\u0001', '\ud800 lone \udc00', '</script>'];
  assert.deepEqual(JSON.parse(plugin.text('respell', JSON.stringify(texts))), texts);
});

test('what is no JSON is told with its place', () => {
  const cases = {
    '': 'no value at character 0',
    '{"a":1': 'no end of the object at character 6',
    '{"a" 1}': 'no colon at character 5',
    '{a:1}': 'no text at character 1',
    '[1,]': 'no value at character 3',
    '[1 2]': 'no end of the list at character 3',
    '1 2': 'more than one value at character 2',
    '01': 'a leading zero at character 2',
    '1.': 'no digit at character 2',
    '1e': 'no digit at character 2',
    '-': 'no value at character 1',
    '+1': 'no value at character 0',
    nul: 'no value at character 0',
    '"a': 'no end of the text at character 2',
    '"a\nb"': 'a control character at character 2',
    '"\\x"': 'an unknown escape at character 2',
    '"\\u12g4"': 'an unknown escape at character 5',
    '"\\u12:4"': 'an unknown escape at character 5',
    '\u00a01': 'no value at character 0',
  };
  for (const [text, problem] of Object.entries(cases)) {
    assert.equal(plugin.text('reprint', text), `invalid JSON: ${problem}`, text);
  }
});

test('a document is read down to a depth that the stack has room for', () => {
  const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(plugin.text('reprint', nested(128)), nested(128));
  assert.match(plugin.text('reprint', nested(100_000)), /too deep a nesting/);
});

test('base64 is padded', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'schlüssel 😀']) {
    assert.equal(plugin.text('base64_of', text), Buffer.from(text).toString('base64'));
  }
});
