// Who may call, how often, and over what.

import { readFileSync } from "node:fs";
import { request } from "node:https";
import { Readable } from "node:stream";

import { all, calls, check, client, fails, OpenAI, same, SETUP, tag, textOf, user, values } from "./table.mjs";

const LIMITS = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"];

check("keys: one that is not known is a 401 in OpenAI's shape, which does not repeat it", async () => {
  for (const key of ["sk-wrong-wrong-wrong", SETUP.key.slice(0, -1), `${SETUP.key}x`]) {
    for (const path of ["/models", "/no-such-path"]) {
      const error = await fails(OpenAI.AuthenticationError, () => client({ key }).get(path));
      same([error.status, error.code, error.type], [401, "invalid_api_key", "invalid_request_error"]);
      same(`${error} ${JSON.stringify(error.error)}`.includes(key), false);
    }
  }
  const of = tag();
  const wrong = client({ key: "sk-wrong" });
  const request = { model: "recorded/answers", user: of };
  for (const call of [
    () => wrong.chat.completions.create({ ...request, messages: user("hello") }),
    () => wrong.chat.completions.create({ ...request, messages: user("hello"), stream: true }),
    () => wrong.embeddings.create({ ...request, input: "hello" }),
  ]) {
    await fails(OpenAI.AuthenticationError, call);
  }
  same(await calls(of), []);
});

check("keys: a client's stays here, and goes to an upstream only where a setting says so", async (client) => {
  for (const [upstream, key] of [
    ["recorded", null],
    ["forwarding", `Bearer ${SETUP.key}`],
  ]) {
    const of = tag();
    await client.chat.completions.create({ model: `${upstream}/answers`, messages: user("hello"), user: of });
    same(await calls(of, "keys"), [key]);
  }
});

check("keys: a client over its rate is a 429 in OpenAI's shape, with the headers that clients wait by", async () => {
  const limited = client({ key: SETUP.limited_key });
  const chat = { model: "echo/echo", messages: user("hello") };
  for (let remaining = SETUP.limit - 1; remaining >= 0; remaining -= 1) {
    const { response } = await limited.chat.completions.create(chat).withResponse();
    same(values(response.headers, ...LIMITS), [String(SETUP.limit), String(remaining)]);
  }
  const error = await fails(OpenAI.RateLimitError, () => limited.chat.completions.create(chat));
  same([error.status, error.code, error.type], [429, "rate_limit_exceeded", "requests"]);
  same(values(error.headers, ...LIMITS), [String(SETUP.limit), "0"]);
  const [after, reset] = values(error.headers, "retry-after", "x-ratelimit-reset-requests");
  same([Number(after) > 0, Number(after) <= 60, reset.at(-1)], [true, true, "s"]);
  // Another client goes on.
  same((await client().chat.completions.create(chat)).choices[0].index, 0);
});

check(
  "TLS: a client that trusts the certificate is served, whole and streamed; one that does not is not",
  async () => {
    const chat = { model: "echo/echo", messages: user("hello") };
    const base = SETUP.secure;
    await fails(OpenAI.APIConnectionError, () => client({ base }).chat.completions.create(chat));
    const trusting = client({ base, fetch: trust(readFileSync(SETUP.authority)) });
    same((await trusting.chat.completions.create(chat)).choices[0].message.content, "echo: hello");
    same(textOf(await all(trusting.chat.completions.create({ ...chat, stream: true }))), "echo: hello");
  },
);

/** A `fetch` that trusts that authority: Node.js's own takes others only at its start. */
function trust(ca) {
  return (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      const call = request(url, { method, headers: Object.fromEntries(headers), ca }, (answer) =>
        resolve(new Response(Readable.toWeb(answer), { status: answer.statusCode, headers: answer.headers })),
      );
      call.on("error", reject).end(body);
    });
}
