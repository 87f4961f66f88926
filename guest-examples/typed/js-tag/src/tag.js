// A plugin with one hook: it appends a tag to the last user message.

import * as context from 'heimdall:plugin/context@0.1.0';
import { hooks, PluginError } from './heimdall.js';

const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties: {
    tag: { description: 'What is appended, in brackets.', type: 'string', default: 'tagged' },
  },
};

let tag = 'tagged';

export const lifecycle = hooks({
  describe() {
    return {
      name: 'heimdall-tag-js',
      version: '0.1.0',
      summary: 'Appends a tag to the last user message.',
      configSchema: JSON.stringify(SCHEMA),
    };
  },

  init(json) {
    try {
      tag = JSON.parse(json)?.tag ?? 'tagged';
    } catch (error) {
      throw new PluginError('invalid-config', error.message);
    }
  },

  cleanup() {},
});

export const preLlmHook = hooks({
  beforeCall(request) {
    context.set('tag', JSON.stringify(tag));
    for (let index = request.messageCount() - 1; index >= 0; index--) {
      const message = request.messageAt(index);
      const text = message?.role === 'user' ? lastText(message.content) : undefined;
      if (text === undefined) continue;
      text.val += ` [tag:${tag}]`;
      request.setMessage(index, message);
      break;
    }
    return { tag: 'proceed' };
  },
});

function lastText(content) {
  switch (content.tag) {
    case 'text':
      return content;
    case 'parts':
      return content.val.map((part) => part.content).findLast(({ tag }) => tag === 'text');
    default:
      return undefined;
  }
}
