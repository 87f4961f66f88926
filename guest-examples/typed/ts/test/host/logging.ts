export const lines: string[] = [];

export function log(level: string, message: string, fields: [string, string][]): void {
  lines.push([level, message, ...fields.flat()].join(' '));
}
