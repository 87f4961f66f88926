// What an upstream answered: its texts, redacted.

import { config, MARK } from './config';
import { Json, Kind } from './json';
import { textsOf } from './message';
import { beginning, whole } from './redact';

/** What is held back of each choice's text until its next chunk tells. */
export interface Held {
  get(choice: string): string;
  set(choice: string, text: string): void;
}

/** Redacts the texts of a whole answer (choices with a `message`), or of a chunk of one (choices with a `delta`). */
export function redactChoices(answer: Json, held: Held): void {
  const choices = answer.only(Kind.List, 'choices');
  if (choices === null) return;
  for (let i = 0; i < choices.values.length; i++) {
    const choice = choices.values[i];
    const message = choice.only(Kind.Object, 'message');
    if (message !== null) redactTexts(message);
    else redactDelta(choice, held);
  }
}

function redactTexts(message: Json): void {
  const texts = textsOf(message);
  for (let i = 0; i < texts.length; i++) texts[i].say(whole(texts[i].text, config.secrets, MARK));
}

/** A secret may be cut in two by a chunk boundary: text that could begin one waits, and comes with the next chunk. */
function redactDelta(choice: Json, held: Held): void {
  const number = choice.get('index');
  const index = number === null ? '0' : number.toString();
  const delta = choice.objectOf('delta');
  const before = held.get(index);
  // Some servers say with an empty reason that there is none.
  const ends = choice.textOr('finish_reason', '') !== '';
  const parts = delta.only(Kind.List, 'content');
  if (parts !== null) {
    redactTexts(delta);
    // Parts are texts of their own: what was held goes before them as one.
    if (!ends || before === '') return;
    const first = Json.object()
      .set('type', Json.text('text'))
      .set('text', Json.text(whole(before, config.secrets, MARK)));
    delta.set('content', Json.list([first].concat(parts.values)));
    held.set(index, '');
    return;
  }
  const content = delta.only(Kind.Text, 'content');
  const text = content === null ? before : before + content.text;
  if (ends) {
    if (text.length > 0) choice.set('delta', delta.set('content', Json.text(whole(text, config.secrets, MARK))));
    held.set(index, '');
  } else if (content !== null) {
    const split = beginning(text, config.secrets, MARK);
    content.say(split.ready);
    held.set(index, split.held);
  }
}
