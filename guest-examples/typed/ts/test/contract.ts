// Lets `node --test` import the plugin: the modules under `host` stand in for what it imports from the contract.

import { register } from 'node:module';

register('./host/resolve.js', import.meta.url);
