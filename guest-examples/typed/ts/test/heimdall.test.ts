import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hooks, PluginError } from '../src/heimdall.js';
import { lines } from './host/logging.js';

/** An interface with one function. */
interface Interface {
  onEnd(...given: number[]): number[];
}

const failing = (thrown: unknown) =>
  hooks<Interface>({
    onEnd() {
      throw thrown;
    },
  }).onEnd();

test('what a hook returns is passed on', async () => {
  assert.deepEqual(await hooks<Interface>({ onEnd: (...given) => given }).onEnd(1, 2), [1, 2]);
  assert.deepEqual(await hooks<Interface>({ onEnd: async () => [3] }).onEnd(), [3]);
});

test('an uncaught error is an error of the plugin with its text, and a log line says where it was thrown', async () => {
  lines.length = 0;
  await assert.rejects(failing(new RangeError('too far')), { payload: { tag: 'other', val: 'RangeError: too far' } });
  assert.match(lines.join('\n'), /^error uncaught error RangeError: too far at ./);
});

test('whatever is thrown has a text', async () => {
  for (const thrown of ['words', undefined, null, 7]) {
    await assert.rejects(failing(thrown), { payload: { tag: 'other', val: String(thrown) } });
  }
});

test('a rejected promise is an error too', async () => {
  const { onEnd } = hooks<Interface>({ onEnd: () => Promise.reject(new Error('later')) });
  await assert.rejects(onEnd(), { payload: { tag: 'other', val: 'Error: later' } });
});

test("an error of the contract's stays what it is", async () => {
  const error = new PluginError({ tag: 'no-such-place', val: '/a/b' });
  await assert.rejects(failing(error), error);
  assert.deepEqual(error.payload, { tag: 'no-such-place', val: '/a/b' });
});

test('so does what a setter of the host throws, which is an error of another realm', async () => {
  const thrown = { payload: { tag: 'too-large', val: 7 } };
  await assert.rejects(failing(thrown), (error) => error === thrown);
});
