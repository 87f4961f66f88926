// Calls a module's exports as the host does.

import { readFileSync } from 'node:fs';

const MODULE = new WebAssembly.Module(readFileSync(new URL('../build/test.wasm', import.meta.url)));

/** A fresh instance, with this configuration. */
export class Plugin {
  constructor(config) {
    const abort = (message) => {
      throw new Error(`aborted: ${this.#managedText(message)}`);
    };
    this.exports = new WebAssembly.Instance(MODULE, { env: { abort } }).exports;
    this.started = config === undefined ? this.exports.init(0, 0) : this.#run('init', [config]);
  }

  /** Calls a hook, from values to a value. */
  call(name, ...inputs) {
    return JSON.parse(this.text(name, ...inputs.map((input) => JSON.stringify(input))));
  }

  /** Calls an export that takes texts and returns one. */
  text(name, ...inputs) {
    return this.#run(name, inputs, (packed) => {
      const [address, length] = [Number(packed >> 32n), Number(packed & 0xffffffffn)];
      return { text: Buffer.from(this.exports.memory.buffer, address, length).toString(), address };
    });
  }

  get memoryPages() {
    return this.exports.memory.buffer.byteLength / 65536;
  }

  #run(name, inputs, read) {
    const spans = inputs.map((input) => {
      const bytes = Buffer.from(typeof input === 'string' ? input : JSON.stringify(input));
      const address = bytes.length > 0 ? this.exports.malloc(bytes.length) : 0;
      new Uint8Array(this.exports.memory.buffer).set(bytes, address);
      return [address, bytes.length];
    });
    const result = this.exports[name](...spans.flat());
    const output = read?.(result);
    for (const [address, length] of spans) if (length > 0) this.exports.free(address);
    if (output !== undefined && HOOK.test(name)) this.exports.free(output.address);
    return output === undefined ? result : output.text;
  }

  /** AssemblyScript's texts have their size in front. */
  #managedText(address) {
    if (address === 0) return 'no message';
    const { buffer } = this.exports.memory;
    const size = new DataView(buffer).getUint32(address - 4, true);
    return Buffer.from(buffer, address, size).toString('utf16le');
  }
}

// The results of hooks are the host's to free.
const HOOK = /hook|intercept|get_name/;
