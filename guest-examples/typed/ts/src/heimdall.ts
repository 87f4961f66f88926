// What plugins in TypeScript need around their hooks.

import { log } from 'heimdall:plugin/logging@0.1.0';
import type { PluginError as Payload } from 'heimdall:plugin/types@0.1.0';

/** A failure of the contract's: `new PluginError({ tag: 'invalid-config', val: 'no key is there' })`. */
export class PluginError extends Error {
  // Where the contract's errors have it, whether a setter of the host throws them or the plugin.
  constructor(readonly payload: Payload) {
    super(`${payload.tag}: ${payload.val}`);
  }
}

/** The functions of one of the contract's interfaces, as a plugin writes them. */
type Written<Interface> = {
  [Name in keyof Interface]: Interface[Name] extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Result | Promise<Result>
    : never;
};

/** The same, as the host calls them. */
type Called<Interface> = {
  [Name in keyof Interface]: Interface[Name] extends (...parameters: infer Parameters) => infer Result
    ? (...parameters: Parameters) => Promise<Result>
    : never;
};

/**
 * The functions of one of the plugin's interfaces. What they throw reaches the host as the plugin's error; without
 * this, it would be a trap and its text lost.
 */
export function hooks<Interface>(functions: Written<Interface>): Called<Interface> {
  const entries = Object.entries(functions) as [string, AnyFunction][];
  return Object.fromEntries(entries.map(([name, run]) => [name, guarded(name, run)])) as Called<Interface>;
}

type AnyFunction = (...parameters: unknown[]) => unknown;

function guarded(name: string, run: AnyFunction): AnyFunction {
  return async (...parameters) => {
    try {
      return await run(...parameters);
    } catch (thrown) {
      throw asPluginError(name, thrown);
    }
  };
}

function asPluginError(name: string, thrown: unknown): unknown {
  // No `instanceof`: the errors of the host's setters are not made of this realm's `Error`.
  const error = thrown as Partial<PluginError> | null | undefined;
  if (error?.payload !== undefined) return thrown;
  log('error', 'uncaught', [
    ['error', String(thrown)],
    ['at', error?.stack?.split('\n', 1)[0] ?? name],
  ]);
  return new PluginError({ tag: 'other', val: String(thrown) });
}
