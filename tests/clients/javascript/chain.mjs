// Nine plugins in a row: typed ones in five languages, and legacy ones of four ABIs among them.
//
// Each makes an edit of its own, which stands on the edits of those before it: a hook that is missing or in another place
// changes the result.

import { all, check, client, same, SETUP, user, values } from "./table.mjs";

// Each plugin takes a word of it, and what the plugin after it left there, for its secret.
const SAID = "one two three four five six seven eight nine, and one t";
// Those of the packed ABI, of Extism, of Wasp, and of JSON-RPC over standard streams.
const LEGACY = ["gen3", "extism", "wasp", "stdio"];
// The word alone is the last plugin's secret.
const REDACTED = "echo: [redacted], and [redacted] t";

const reversed = [...SETUP.chain_plugins].reverse();

/** A client of the gateway with the nine. */
const chain = () => client({ base: SETUP.chain }).chat.completions;

check("chain: every pre hook edits the request, in order", async () => {
  const answer = await chain().create({ model: "echo/echo-request", messages: user("hello") });
  const contents = JSON.parse(answer.choices[0].message.content).messages.map((message) => message.content);
  same(contents, [...reversed.map((name) => `Rule of ${name}.`), "hello"]);
});

check("chain: every post hook edits the answer, in reverse order", async () => {
  const answer = await chain().create({ model: "echo/echo", n: 2, messages: user(SAID) });
  same(answer.choices.map((choice) => choice.message.content), [REDACTED, REDACTED]);
});

check("chain: every chunk hook redacts what is spread over chunks, in reverse order", async () => {
  for (const pieces of [1, 2, 3, 7, 40]) {
    const model = `echo/echo-split-${pieces}`;
    const chunks = await all(chain().create({ model, stream: true, n: 2, messages: user(SAID) }));
    const texts = ["", ""];
    for (const choice of chunks.flatMap((chunk) => chunk.choices)) texts[choice.index] += choice.delta.content ?? "";
    same(texts, [REDACTED, REDACTED]);
  }
});

check("chain: every HTTP response hook adds its header, in reverse order; legacy ones know one header of a name, and the last counts", async () => {
  const { response } = await chain().create({ model: "echo/echo", messages: user("hello") }).withResponse();
  const typed = reversed.filter((name) => !LEGACY.includes(name));
  same(values(response.headers, "x-guard", "x-legacy"), [typed.join(", "), LEGACY[0]]);
});
