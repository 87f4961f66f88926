const ALPHABET: string = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 of a text's UTF-8, padded. */
export function base64(text: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const count = min(3, bytes.length - i);
    let group = 0;
    for (let j = 0; j < 3; j++) group = (group << 8) | (j < count ? bytes[i + j] : 0);
    for (let j = 0; j < 4; j++) out += j <= count ? ALPHABET.charAt((group >> (18 - 6 * j)) & 63) : '=';
  }
  return out;
}
