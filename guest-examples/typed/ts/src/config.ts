// The plugin's configuration.

import { Redactor } from './redact.js';

const WORDS = { type: 'array', items: { type: 'string', minLength: 1 } };

/** What the host checks a configuration against before it calls `init`. */
export const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'heimdall-guard-ts',
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
      default: 'Rule of the typed ts guard: be kind.',
    },
    header: {
      description: 'The value of x-guard-request, which requests get, and of x-guard, which responses get.',
      type: 'string',
      default: 'ts',
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

/** The configuration as it is written. */
interface Values {
  banned: string[];
  secrets: string[];
  system: string | null;
  header: string;
  closed_paths: string[];
  models: Record<string, string>;
  answers: Record<string, string>;
  reads: string | null;
  show_context: boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown) => value === null || isText(value);
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown) => isObject(value) && Object.values(value).every(isText);
// An empty word is in every text.
const isWords = (value: unknown) => Array.isArray(value) && value.every((word) => isText(word) && word !== '');

const CHECKS = new Map<string, (value: unknown) => boolean>(
  Object.entries({
    banned: isWords,
    secrets: isWords,
    system: isTextOrNull,
    header: isText,
    closed_paths: isWords,
    models: isTexts,
    answers: isTexts,
    reads: isTextOrNull,
    show_context: (value) => typeof value === 'boolean',
  } satisfies Record<keyof Values, (value: unknown) => boolean>),
);

export class Config {
  readonly banned: string[];
  readonly redactor: Redactor;
  readonly system: string | null;
  readonly header: string;
  readonly closedPaths: string[];
  // Maps, because an object also has members that nobody configured (`constructor`).
  readonly models: Map<string, string>;
  readonly answers: Map<string, string>;
  readonly reads: string | null;
  readonly showContext: boolean;

  /** Reads what the host gives to `init`; `null` stands for no configuration. */
  constructor(json: string) {
    const values = { ...DEFAULTS, ...checked(JSON.parse(json) ?? {}) };
    this.banned = values.banned;
    this.redactor = new Redactor(values.secrets);
    this.system = values.system;
    this.header = values.header;
    this.closedPaths = values.closed_paths;
    this.models = new Map(Object.entries(values.models));
    this.answers = new Map(Object.entries(values.answers));
    this.reads = values.reads;
    this.showContext = values.show_context;
  }

  /** The upstream, if another one is named, and the model that is asked instead of this one. */
  insteadOf(model: string): { upstream?: string; model: string } | undefined {
    const other = this.models.get(model);
    if (other === undefined) return undefined;
    const slash = other.indexOf('/');
    return slash < 0 ? { model: other } : { upstream: other.slice(0, slash), model: other.slice(slash + 1) };
  }

  isBanned(text: string): boolean {
    return this.banned.some((word) => text.includes(word));
  }
}

const DEFAULTS = Object.fromEntries(
  Object.entries(SCHEMA.properties).map(([name, property]) => [name, property.default]),
) as unknown as Values;

function checked(given: unknown): Partial<Values> {
  if (!isObject(given)) throw new TypeError('the configuration is no object');
  for (const [name, value] of Object.entries(given)) {
    const check = CHECKS.get(name);
    if (!check) throw new TypeError(`there is no key \`${name}\``);
    if (!check(value)) throw new TypeError(`\`${name}\` can't be ${JSON.stringify(value)}`);
  }
  return given;
}

/**
 * Set once per instance, by `init`. What belongs to a request goes to its context, since the next hook may run in
 * another instance.
 */
export let config = new Config('null');

export function configure(json: string): void {
  config = new Config(json);
}
