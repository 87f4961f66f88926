// Finds secrets in texts and in streams of texts.

/** Stands in a secret's place. */
export const MARK = '[redacted]';

/** What of a text can be sent now, and the longest tail that could begin a secret. */
export interface Split {
  ready: string;
  held: string;
}

export class Redactor {
  readonly #longestFirst: string[];
  readonly #pattern: RegExp;

  constructor(secrets: string[]) {
    this.#longestFirst = [...secrets].sort((one, other) => other.length - one.length);
    // The first alternative that fits wins: the longest, where one secret begins another.
    this.#pattern = new RegExp(this.#longestFirst.map(escaped).join('|') || NEVER, 'g');
  }

  /** Redacts a whole text. Undefined: there is no secret in it. */
  whole(text: string): string | undefined {
    return text.search(this.#pattern) < 0 ? undefined : this.end(text);
  }

  /** Redacts a text that goes on. */
  beginning(text: string): Split {
    let tail = this.#tail(text, 0);
    for (const { 0: secret, index } of text.matchAll(this.#pattern)) {
      if (tail <= index) break;
      tail = this.#tail(text, index + secret.length);
    }
    return { ready: this.end(text.slice(0, tail)), held: text.slice(tail) };
  }

  /** Redacts what is left of a text once it is known to be at its end. */
  end(text: string): string {
    return text.replace(this.#pattern, MARK);
  }

  /** Where the longest tail begins that could begin a secret. */
  #tail(text: string, from: number): number {
    const longest = this.#longestFirst[0]?.length ?? 0;
    for (let at = Math.max(from, text.length - longest + 1); at < text.length; at++) {
      const tail = text.slice(at);
      if (this.#longestFirst.some((secret) => secret.length > tail.length && secret.startsWith(tail))) return at;
    }
    return text.length;
  }
}

const NEVER = '(?!)';

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
