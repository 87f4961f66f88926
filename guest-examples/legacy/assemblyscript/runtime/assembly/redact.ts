// Finds secrets in texts and in texts that come in pieces.

import { Writer } from './writer';

/** What of a text can be sent now, and what could be the beginning of a secret. */
export class Split {
  constructor(
    readonly ready: string,
    readonly held: string,
  ) {}
}

/** Redacts a text that is at its end. */
export function whole(text: string, secrets: string[], mark: string): string {
  return scan(text, secrets, mark, false).ready;
}

/** Redacts a text that goes on: holds back the longest tail that could begin a secret. */
export function beginning(text: string, secrets: string[], mark: string): Split {
  return scan(text, secrets, mark, true);
}

function scan(text: string, secrets: string[], mark: string, goesOn: bool): Split {
  const ready = new Writer();
  let plain = 0;
  let at = 0;
  while (at < text.length && !(goesOn && couldBegin(text, at, secrets))) {
    const length = longestAt(text, at, secrets);
    if (length === 0) {
      at++;
      continue;
    }
    ready.write(text.substring(plain, at)).write(mark);
    at += length;
    plain = at;
  }
  ready.write(text.substring(plain, at));
  return new Split(ready.toString(), text.substring(at));
}

/** Whether all that is left of the text is the beginning of a secret. */
function couldBegin(text: string, at: i32, secrets: string[]): bool {
  const length = text.length - at;
  for (let i = 0; i < secrets.length; i++) {
    if (secrets[i].length > length && secrets[i].startsWith(text.substring(at))) return true;
  }
  return false;
}

/** The length of the longest secret that begins here, or 0. */
function longestAt(text: string, at: i32, secrets: string[]): i32 {
  let longest = 0;
  for (let i = 0; i < secrets.length; i++) {
    const length = secrets[i].length;
    if (length > longest && text.startsWith(secrets[i], at)) longest = length;
  }
  return longest;
}
