declare module 'heimdall:plugin/types@0.1.0' {
  /**
   * JSON text (RFC 8259): one value, in UTF-8, nested at most 128 deep, no name twice in one object. Numbers keep
   * their digits, also where no double could.
   */
  export type Json = string;
  /**
   * A failure: something could not be done. Setters return it and hooks return it, so that an error of a setter which
   * a plugin passes on is the hook's error.
   * A setter that fails leaves the draft as it was. A hook that fails leaves the request as it was before the hook;
   * whether the request goes on is the operator's policy for this plugin.
   * The texts are for the operator's log. They reach no client.
   */
  export type PluginError = PluginErrorInvalidConfig | PluginErrorInvalidJson | PluginErrorInvalidHeader | PluginErrorNoSuchPlace | PluginErrorTooLarge | PluginErrorOther;
  /**
   * From `init`: the configuration can't be used, and why.
   */
  export interface PluginErrorInvalidConfig {
    tag: 'invalid-config',
    val: string,
  }
  /**
   * What was given is no JSON, or not the JSON that is wanted there, and why.
   */
  export interface PluginErrorInvalidJson {
    tag: 'invalid-json',
    val: string,
  }
  /**
   * A header's name or value that can't be sent, or a header that the host sets itself.
   */
  export interface PluginErrorInvalidHeader {
    tag: 'invalid-header',
    val: string,
  }
  /**
   * A pointer or an index that leads nowhere, or an edit that has no place in this kind of call.
   */
  export interface PluginErrorNoSuchPlace {
    tag: 'no-such-place',
    val: string,
  }
  /**
   * The limit that was exceeded, in bytes.
   */
  export interface PluginErrorTooLarge {
    tag: 'too-large',
    val: number,
  }
  /**
   * Anything else, in words.
   */
  export interface PluginErrorOther {
    tag: 'other',
    val: string,
  }
}
