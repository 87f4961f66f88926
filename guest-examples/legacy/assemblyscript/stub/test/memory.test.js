import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plugin } from './plugin.js';

const ROOM = 16 * 1024 * 1024;

test('the allocator counts up from address 0 and takes nothing back', () => {
  const { malloc, free } = new Plugin().exports;
  assert.deepEqual([malloc(3), malloc(8)], [0, 8]);
  free(0);
  assert.equal(malloc(1), 16);
});

test('inputs that fill all the room leave the data of the plugin alone', () => {
  const plugin = new Plugin();
  const address = plugin.exports.malloc(ROOM);
  assert.equal(address, 0);
  new Uint8Array(plugin.exports.memory.buffer).fill(0xff, 0, ROOM);
  assert.equal(plugin.text('get_name'), 'legacy-as-stub');
  assert.equal(plugin.exports.init(0, 0), 0);
  assert.equal(JSON.parse(plugin.text('pre_hook', '', '')).error, 'as-stub: invalid JSON: no value at character 0');
});

test('an input for which there is no room is given an address behind the memory', () => {
  const plugin = new Plugin();
  plugin.exports.malloc(ROOM - 8);
  assert.ok(plugin.exports.malloc(9) >= plugin.exports.memory.buffer.byteLength);
  assert.ok(plugin.exports.malloc(1) > plugin.exports.memory.buffer.byteLength);
  assert.ok(new Plugin().exports.malloc(ROOM + 1) >= ROOM);
});
