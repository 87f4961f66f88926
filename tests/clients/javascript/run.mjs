// Runs every check, and prints a line for each: `ok` or `FAIL`, and its name.

import "./access.mjs";
import "./chain.mjs";
import "./operation.mjs";
import "./plugins.mjs";
import { CHECKS, client, OpenAI } from "./table.mjs";

const version = new OpenAI({ apiKey: "none" }).getUserAgent?.() ?? "OpenAI/JS";
console.log(`${version} for Node.js ${process.versions.node}`);
for (const [name, run] of CHECKS) {
  try {
    await run(client());
    console.log(`ok    ${name}`);
  } catch (error) {
    // Whatever a check throws is its failure, and the next one runs.
    console.log(`FAIL  ${name}\n${error?.stack ?? error}`);
  }
}
