// The plugin's configuration.

import { Redactor } from './redact.js';

const WORDS = { type: 'array', items: { type: 'string', minLength: 1 } };

/** What the host checks a configuration against before it calls `init`. */
export const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'heimdall-guard-js',
  type: 'object',
  additionalProperties: false,
  properties: {
    banned: {
      description: 'A request whose messages hold one of these words is refused. Case matters.',
      ...WORDS,
      default: ['forbidden-word'],
    },
    secrets: {
      description: 'These words never reach the client: answers and streams have [redacted] in their place.',
      ...WORDS,
      default: ['TOP-SECRET'],
    },
    system: {
      description: 'The system message put before the conversation; null: none.',
      type: ['string', 'null'],
      default: 'Rule of the typed js guard: be kind.',
    },
    header: {
      description: 'The value of x-guard-request, which requests get, and of x-guard, which responses get.',
      type: 'string',
      default: 'js',
    },
    closed_paths: {
      description: 'Requests for these paths are answered with 403.',
      ...WORDS,
      default: [],
    },
    models: {
      description:
        "Models that are asked in another one's place: `model`, or `upstream/model`, by the name that is asked for.",
      type: 'object',
      additionalProperties: { type: 'string', pattern: '^[^/]+(/.+)?$' },
      default: {},
    },
    answers: {
      description: 'What the guard answers itself, by what the last message says.',
      type: 'object',
      additionalProperties: { type: 'string' },
      default: {},
    },
    reads: {
      description:
        "A key of the request's context, of whichever plugin: its value goes into the response header x-guard-read.",
      type: ['string', 'null'],
      default: null,
    },
    show_context: {
      description: "Name the keys of the request's context in the response header x-guard-context.",
      type: 'boolean',
      default: false,
    },
  },
};

const isText = (value) => typeof value === 'string';
const isTextOrNull = (value) => value === null || isText(value);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value) => isObject(value) && Object.values(value).every(isText);
// An empty word is in every text.
const isWords = (value) => Array.isArray(value) && value.every((word) => isText(word) && word !== '');

const CHECKS = {
  banned: isWords,
  secrets: isWords,
  system: isTextOrNull,
  header: isText,
  closed_paths: isWords,
  models: isTexts,
  answers: isTexts,
  reads: isTextOrNull,
  show_context: (value) => typeof value === 'boolean',
};

export class Config {
  /** Reads what the host gives to `init`; `null` stands for no configuration. */
  constructor(json) {
    const given = JSON.parse(json) ?? {};
    check(given);
    const values = { ...DEFAULTS, ...given };
    this.banned = values.banned;
    this.redactor = new Redactor(values.secrets);
    this.system = values.system;
    this.header = values.header;
    this.closedPaths = values.closed_paths;
    // Maps, because an object also has members that nobody configured (`constructor`).
    this.models = new Map(Object.entries(values.models));
    this.answers = new Map(Object.entries(values.answers));
    this.reads = values.reads;
    this.showContext = values.show_context;
  }

  /** The upstream, if another one is named, and the model that is asked instead of this one. */
  insteadOf(model) {
    const other = this.models.get(model);
    if (other === undefined) return undefined;
    const slash = other.indexOf('/');
    return slash < 0 ? { model: other } : { upstream: other.slice(0, slash), model: other.slice(slash + 1) };
  }

  isBanned(text) {
    return this.banned.some((word) => text.includes(word));
  }
}

const DEFAULTS = Object.fromEntries(
  Object.entries(SCHEMA.properties).map(([name, property]) => [name, property.default]),
);

function check(given) {
  if (!isObject(given)) throw new TypeError('the configuration is no object');
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(CHECKS, name)) throw new TypeError(`there is no key \`${name}\``);
    if (!CHECKS[name](value)) throw new TypeError(`\`${name}\` can't be ${JSON.stringify(value)}`);
  }
}

/**
 * Set once per instance, by `init`. What belongs to a request goes to its context, since the next hook may run in
 * another instance.
 */
export let config = new Config('null');

export function configure(json) {
  config = new Config(json);
}
