// What is kept of the latest requests, by their ids: generation 1 has no context that travels with a request.

import { Held } from './answer';

const MAX_REQUESTS: i32 = 1000;

class Kept {
  path: string = '';
  /** The text that is held back, of each choice. */
  held: Map<string, string> = new Map();
}

const requests: Map<string, Kept> = new Map();
/** In the order in which they came; behind `next` is the oldest. */
const ids: string[] = [];
let next: i32 = 0;

export function rememberPath(id: string, path: string): void {
  kept(id).path = path;
}

/** The path of this request, or an empty text. */
export function pathOf(id: string): string {
  return requests.has(id) ? requests.get(id).path : '';
}

function kept(id: string): Kept {
  if (requests.has(id)) return requests.get(id);
  if (ids.length < MAX_REQUESTS) ids.push(id);
  else {
    requests.delete(ids[next]);
    ids[next] = id;
    next = (next + 1) % MAX_REQUESTS;
  }
  const request = new Kept();
  requests.set(id, request);
  return request;
}

export class HeldOfRequest implements Held {
  constructor(private id: string) {}

  get(choice: string): string {
    if (!requests.has(this.id)) return '';
    const held = requests.get(this.id).held;
    return held.has(choice) ? held.get(choice) : '';
  }

  set(choice: string, text: string): void {
    if (text !== '') kept(this.id).held.set(choice, text);
    else if (requests.has(this.id)) requests.get(this.id).held.delete(choice);
  }
}
