// A guard for Heimdall that has every hook: it refuses banned words, puts a system message first, and redacts secrets
// in answers and in streams, also where a secret is cut in two by a chunk boundary.

import * as context from 'heimdall:plugin/context@0.1.0';
import { log } from 'heimdall:plugin/logging@0.1.0';
import { config, configure, SCHEMA } from './config.js';
import { hooks, PluginError } from './heimdall.js';

export { streamHook } from './stream.js';

/** Where the tokens that a request used are counted. */
const TOKENS = 'guard-js/tokens';
const MAX_U32 = 0xffffffff;

export const lifecycle = hooks({
  describe() {
    return {
      name: 'heimdall-guard-js',
      version: '0.1.0',
      summary: 'A guard: refuses banned words, adds a system message, redacts secrets in answers and streams.',
      configSchema: JSON.stringify(SCHEMA),
      extra: JSON.stringify({ license: 'Apache-2.0' }),
    };
  },

  init(json) {
    try {
      configure(json);
    } catch (error) {
      throw new PluginError('invalid-config', error.message);
    }
  },

  cleanup() {
    log('debug', 'cleaned up', []);
  },
});

export const httpRequestHook = hooks({
  onRequest(request) {
    const path = request.path();
    if (config.closedPaths.includes(path)) return { tag: 'respond', val: closed() };
    request.addHeader('x-guard-request', config.header);
    context.set('guard-js/path', JSON.stringify(path));
    return { tag: 'proceed' };
  },
});

function closed() {
  const error = {
    message: 'heimdall-guard-js: this path is closed',
    type: 'policy_violation',
    param: null,
    code: 'closed_path',
  };
  return {
    status: 403,
    headers: [
      ['content-type', 'application/json'],
      ['x-guard', config.header],
    ],
    body: new TextEncoder().encode(JSON.stringify({ error })),
  };
}

export const httpResponseHook = hooks({
  onResponse(_request, response) {
    response.addHeader('x-guard', config.header);
    addFromContext(response, 'x-guard-messages', 'guard-js/messages');
    addFromContext(response, 'x-guard-tokens', TOKENS);
    if (config.reads !== null) addFromContext(response, 'x-guard-read', config.reads);
    if (config.showContext) response.addHeader('x-guard-context', context.keys().join(','));
  },
});

function addFromContext(response, header, key) {
  const value = context.get(key);
  if (value !== undefined) response.addHeader(header, value);
}

export const preLlmHook = hooks({
  beforeCall(request) {
    const count = request.messageCount();
    const banned = bannedMessage(request, count);
    if (banned !== undefined) {
      log('warn', 'refused', [['message', String(banned)]]);
      return { tag: 'refuse', val: refusal() };
    }
    const text = ownAnswer(request, count);
    if (text !== undefined) {
      log('info', 'answered', []);
      return { tag: 'answer', val: { tag: 'completion', val: { text } } };
    }
    askAnother(request);
    if (config.system !== null) putFirst(request, config.system);
    log('info', 'checked', [['messages', String(count)]]);
    context.set('guard-js/messages', String(count));
    return { tag: 'proceed' };
  },
});

function bannedMessage(request, count) {
  for (let index = 0; index < count; index++) {
    const text = request.messageText(index);
    if (text !== undefined && config.isBanned(text)) return index;
  }
  return undefined;
}

/** Says neither the word nor where it is: whoever probes the guard learns nothing. */
function refusal() {
  return {
    message: 'heimdall-guard-js: the request holds a banned word',
    kind: 'policy_violation',
    code: 'banned_word',
  };
}

/** What the configuration has for what the last message says. */
function ownAnswer(request, count) {
  // Asked for only where there is something to compare it with.
  if (config.answers.size === 0 || count === 0 || request.kind() === 'embedding') return undefined;
  const asked = request.messageText(count - 1);
  return asked === undefined ? undefined : config.answers.get(asked.trim());
}

function askAnother(request) {
  const other = config.insteadOf(request.model());
  if (other === undefined) return;
  if (other.upstream !== undefined) request.setProvider(other.upstream);
  request.setModel(other.model);
}

function putFirst(request, system) {
  const kind = request.kind();
  if (kind !== 'chat' && kind !== 'responses') return;
  const first = kind === 'responses' ? request.messageAt(0) : undefined;
  if (first?.role === 'system' && first.content.tag === 'text') {
    // `instructions` have one place: what is there already follows the rule.
    request.setMessage(0, systemMessage(`${system}\n\n${first.content.val}`));
  } else {
    request.insertMessage(0, systemMessage(system));
  }
}

function systemMessage(text) {
  return { role: 'system', content: { tag: 'text', val: text } };
}

export const postLlmHook = hooks({
  afterCall(upstream) {
    if (upstream.tag === 'error') {
      log('info', 'no answer', [['status', String(upstream.val.status ?? 'none')]]);
      return { tag: 'proceed' };
    }
    const response = upstream.val;
    const usage = response.usage();
    if (usage !== undefined) count(usage.totalTokens);
    // The stream hook has seen to a streamed answer.
    if (!response.streamed()) redactChoices(response);
    return { tag: 'proceed' };
  },
});

/** Adds to the tokens of this request: those of all its attempts. */
function count(tokens) {
  const before = Number(context.get(TOKENS) ?? 0);
  context.set(TOKENS, String(Math.min((before || 0) + tokens, MAX_U32)));
}

function redactChoices(response) {
  for (let choice = 0; choice < response.choiceCount(); choice++) {
    const redacted = config.redactor.whole(response.text(choice) ?? '');
    if (redacted === undefined) continue;
    log('info', 'redacted', [['choice', String(choice)]]);
    response.setText(choice, redacted);
  }
}
