declare module 'heimdall:plugin/logging@0.1.0' {
  /**
   * Writes one line. Never fails: control characters are escaped, a line over its limit (4 KiB unless configured) is
   * cut, and lines over a call's limit (100 unless configured) are dropped and counted.
   */
  export function log(level: Level, message: string, fields: Array<[string, string]>): void;
  /**
   * # Variants
   * 
   * ## `"trace"`
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   */
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
}
