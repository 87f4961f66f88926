// What plugins in JavaScript need around their hooks.

import { log } from 'heimdall:plugin/logging@0.1.0';

const OUTCOMES = {
  onRequest: ['proceed', 'respond'],
  beforeCall: ['proceed', 'answer', 'refuse'],
  afterCall: ['proceed', 'replace', 'refuse'],
  onChunk: ['proceed', 'drop', 'replace', 'abort'],
};

/** A failure of the contract's: `new PluginError('invalid-config', 'no key is there')`. */
export class PluginError extends Error {
  constructor(tag, val) {
    super(`${tag}: ${val}`);
    // Where the contract's errors have it, whether a setter of the host throws them or the plugin.
    this.payload = { tag, val };
  }
}

/**
 * The functions of one of the plugin's interfaces. What they throw reaches the host as the plugin's error; without
 * this, it would be a trap and its text lost.
 */
export function hooks(functions) {
  return Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, guarded(name, run)]));
}

function guarded(name, run) {
  return async (...parameters) => {
    try {
      return checked(name, await run(...parameters));
    } catch (thrown) {
      throw asPluginError(name, thrown);
    }
  };
}

function checked(name, outcome) {
  if (Object.hasOwn(OUTCOMES, name) && !OUTCOMES[name].includes(outcome?.tag)) {
    throw new TypeError(`${name} has to return { tag: '${OUTCOMES[name].join("' | '")}' }`);
  }
  return outcome;
}

function asPluginError(name, thrown) {
  // No `instanceof`: the errors of the host's setters are not made of this realm's `Error`.
  if (thrown?.payload !== undefined) return thrown;
  log('error', 'uncaught', [
    ['error', String(thrown)],
    ['at', thrown?.stack?.split('\n', 1)[0] ?? name],
  ]);
  return new PluginError('other', String(thrown));
}
