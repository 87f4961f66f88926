// What the guard looks for, and what its configuration says.

import { Json, Kind, Reader } from './json';

export const NAME: string = 'as';
/** Stands in a secret's place. */
export const MARK: string = `[${NAME} redacted]`;

export class Config {
  banned: string[] = ['forbidden-word'];
  secrets: string[] = ['TOP-SECRET'];
  /** Null: none. */
  system: string | null = `Rule of ${NAME}: be kind.`;
  header: string = NAME;
  closedPaths: string[] = [];
  models: Map<string, string> = new Map();
  answers: Map<string, string> = new Map();

  isBanned(text: string): bool {
    for (let i = 0; i < this.banned.length; i++) if (text.includes(this.banned[i])) return true;
    return false;
  }
}

export let config: Config = new Config();

/** Takes over what the host's configuration holds for this plugin; no text: nothing. False: it is unusable. */
export function configure(text: string): bool {
  const read = new Config();
  if (text.length > 0) {
    const object = new Reader(text).object();
    if (object === null) return false;
    const members = new Members(object);
    read.banned = members.words('banned', read.banned);
    read.secrets = members.words('secrets', read.secrets);
    read.system = members.textOrNull('system', read.system);
    read.header = members.text('header', read.header);
    read.closedPaths = members.words('closed_paths', read.closedPaths);
    read.models = members.texts('models');
    read.answers = members.texts('answers');
    if (!members.fit) return false;
  }
  config = read;
  return true;
}

/** Reads the members of an object; `fit` is false once one was of another type than it should be. */
class Members {
  fit: bool = true;

  constructor(private object: Json) {}

  text(name: string, missing: string): string {
    const value = this.object.get(name);
    if (value === null) return missing;
    if (value.kind !== Kind.Text) this.fit = false;
    return value.text;
  }

  textOrNull(name: string, missing: string | null): string | null {
    const value = this.object.get(name);
    if (value === null) return missing;
    return value.isNull ? null : this.text(name, '');
  }

  words(name: string, missing: string[]): string[] {
    const list = this.object.get(name);
    if (list === null) return missing;
    if (list.kind !== Kind.List) this.fit = false;
    const words: string[] = [];
    for (let i = 0; i < list.values.length; i++) {
      const word = list.values[i];
      // An empty word is in every text.
      if (word.kind !== Kind.Text || word.text.length === 0) this.fit = false;
      words.push(word.text);
    }
    return words;
  }

  texts(name: string): Map<string, string> {
    const texts = new Map<string, string>();
    const object = this.object.get(name);
    if (object === null) return texts;
    if (object.kind !== Kind.Object) this.fit = false;
    for (let i = 0; this.fit && i < object.values.length; i++) {
      const value = object.values[i];
      if (value.kind !== Kind.Text) this.fit = false;
      texts.set(object.nameAt(i), value.text);
    }
    return texts;
  }
}
