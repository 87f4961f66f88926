// The texts of messages: `content` is a text, or a list of parts of which some have a text.

import { Json, Kind } from './json';

/** Each text of a message's content, to be read or set. */
export function textsOf(message: Json): Json[] {
  const texts: Json[] = [];
  const content = message.get('content');
  if (content === null) return texts;
  if (content.kind === Kind.Text) texts.push(content);
  if (content.kind === Kind.List) {
    for (let i = 0; i < content.values.length; i++) {
      const text = content.values[i].only(Kind.Text, 'text');
      if (text !== null) texts.push(text);
    }
  }
  return texts;
}

export function textMessage(role: string, text: string): Json {
  return Json.object().set('role', Json.text(role)).set('content', Json.text(text));
}
