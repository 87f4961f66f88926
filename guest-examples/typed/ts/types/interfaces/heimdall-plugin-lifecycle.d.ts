/// <reference path="./heimdall-plugin-types.d.ts" />
declare module 'heimdall:plugin/lifecycle@0.1.0' {
  /**
   * Called first, before `init`. It has no configuration to look at, and a trap means that the plugin isn't loaded.
   */
  export function describe(): Description;
  /**
   * Once per instance, before any hook. Instances don't share memory: what must survive between the hooks of one
   * request goes to `context`. `config` is the plugin's configuration, `null` where there is none.
   * An error, a trap or a missed deadline (10 s unless configured) means that the instance is not used; the first
   * instance is made when the plugin is loaded, which fails then with this error.
   */
  export function init(config: Json): void;
  /**
   * Before an instance is retired, within its own deadline (1 s unless configured). State that isn't elsewhere is gone
   * then. Not called for an instance that trapped or missed a deadline: what must not be lost is not kept for
   * `cleanup`.
   */
  export function cleanup(): void;
  export type Json = import('heimdall:plugin/types@0.1.0').Json;
  export type PluginError = import('heimdall:plugin/types@0.1.0').PluginError;
  /**
   * What a plugin says of itself.
   */
  export interface Description {
    /**
     * The operator's name for the plugin wins over this one. Empty: the file's name.
     */
    name: string,
    /**
     * The plugin's own version, in any form.
     */
    version: string,
    /**
     * One line for people.
     */
    summary: string,
    /**
     * A JSON schema for the configuration (draft 2020-12 unless it says otherwise). The host checks the configuration
     * against it before `init`, so that a misspelt key is reported where it stands. It can't refer to other documents.
     */
    configSchema?: Json,
    /**
     * A JSON object with whatever else a plugin says of itself (`homepage`, `license`, ...).
     */
    extra?: Json,
  }
}
