import type { ResolveHook } from 'node:module';

export const resolve: ResolveHook = (specifier, context, next) => {
  const name = /^heimdall:plugin\/([a-z-]+)@/.exec(specifier)?.[1];
  return next(name ? new URL(`./${name}.js`, import.meta.url).href : specifier, context);
};
