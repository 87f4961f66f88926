export const lines = [];

export function log(level, message, fields) {
  lines.push([level, message, ...fields.flat()].join(' '));
}
