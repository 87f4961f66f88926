// The plugins and the built-in echo, as a client sees them.
//
// Pre hooks run in order (typed, then legacy), post hooks and chunk hooks in reverse (legacy, then typed). So of a word
// that both know, the typed plugin refuses the request, and the legacy plugin rewrites the answer.

import { all, check, fails, MARKS, OpenAI, same, textOf, user, values } from "./table.mjs";

// A message with every secret, and what comes back for it: whole answers and streams meet different legacy hooks.
const SECRETS = `${MARKS.secret_typed} ${MARKS.secret_legacy} ${MARKS.secret_both} end`;
const WHOLE = "echo: [redacted] [gen3 redacted] [gen3 redacted] end";
const STREAMED = "echo: [redacted] [gen3 chunk redacted] [gen3 chunk redacted] end";

// What refuses a request: the word in it, the words of the error.
const REFUSALS = [
  [MARKS.banned_typed, "heimdall-guard: the request holds a banned word"],
  [MARKS.banned_legacy, "gen3: the request holds a banned word"],
  [MARKS.banned_both, "heimdall-guard: the request holds a banned word"],
];

// -- chat

check("chat: both pre hooks edit the request, in order", async (client) => {
  const answer = await client.chat.completions.create({ model: "echo/echo-request", messages: user("hello") });
  same(JSON.parse(answer.choices[0].message.content).messages, [
    { role: "system", content: MARKS.system_legacy },
    { role: "system", content: MARKS.system_typed },
    { role: "user", content: "hello" },
  ]);
});

check("chat: both HTTP request hooks add their header", async (client) => {
  const answer = await client.chat.completions.create({ model: "echo/echo-headers", messages: user("hello") });
  const headers = JSON.parse(answer.choices[0].message.content);
  same([headers["x-guard-request"], headers["x-legacy-request"]], ["typed", "legacy"]);
});

check("chat: both post hooks edit the answer, in reverse order", async (client) => {
  const answer = await client.chat.completions.create({ model: "echo/echo", messages: user(SECRETS) });
  same(answer.choices.map((choice) => choice.message.content), [WHOLE]);
  same(answer.choices[0].finish_reason, "stop");
  same(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

check("chat: both HTTP response hooks read the context that their pre hook wrote", async (client) => {
  const { response } = await client.chat.completions.create({ model: "echo/echo", messages: user("hello") }).withResponse();
  const got = values(response.headers, "x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages");
  // The legacy plugin counts the message that the typed one inserted before it.
  same(got, ["typed", "1", "legacy", "2"]);
});

check("chat, n: 2: the post hooks reach every choice", async (client) => {
  const answer = await client.chat.completions.create({ model: "echo/echo", n: 2, messages: user(SECRETS) });
  same(answer.choices.map((choice) => [choice.index, choice.message.content]), [[0, WHOLE], [1, WHOLE]]);
});

check("chat: an unknown member and a number beyond 2^53 pass both plugins as they are", async (client) => {
  // The number is written into the body's text: a JavaScript number can't hold it.
  const body = `{"model": "echo/echo-request", "messages": ${JSON.stringify(user("hello"))}, "seed": 9007199254740993, "not-a-known-member": {"a": [1e-7, null]}}`;
  const headers = { "content-type": "application/json" };
  const answer = await client.post("/chat/completions", { body: new TextEncoder().encode(body), headers });
  const text = answer.choices[0].message.content;
  same(/"seed": ?9007199254740993\b/.test(text), true);
  same(JSON.parse(text)["not-a-known-member"], { a: [1e-7, null] });
});

// -- streamed chat

async function streamedTexts(client, options = {}) {
  const texts = {};
  for (const chunk of await all(
    client.chat.completions.create({ model: "echo/echo", stream: true, messages: user(SECRETS), ...options }),
  )) {
    for (const { index, delta } of chunk.choices) texts[index] = (texts[index] ?? "") + (delta.content ?? "");
  }
  return texts;
}

check("streamed chat: both chunk hooks edit the chunks, in reverse order", async (client) => {
  same(await streamedTexts(client), { 0: STREAMED });
});

check("streamed chat, n: 2: the chunk hooks reach every choice", async (client) => {
  same(await streamedTexts(client, { n: 2 }), { 0: STREAMED, 1: STREAMED });
});

check(
  "streamed chat: it comes in several chunks, with a finish reason and, where asked for, the usage last",
  async (client) => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const chunks = await all(
      client.chat.completions.create({ model: "echo/echo", messages: user("one two three"), ...options }),
    );
    const choices = chunks.flatMap((chunk) => chunk.choices);
    same(choices.map((choice) => choice.finish_reason).filter(Boolean), ["stop"]);
    same(chunks.map((chunk) => Boolean(chunk.usage)), chunks.map((_, index) => index === chunks.length - 1));
    same([choices.filter((choice) => choice.delta.content).length >= 3, textOf(chunks)], [true, "echo: one two three"]);
  },
);

check("streamed chat: both pre hooks edit the request, in order", async (client) => {
  const chunks = await all(
    client.chat.completions.create({ model: "echo/echo-request", stream: true, messages: user("hello") }),
  );
  const text = textOf(chunks);
  const contents = JSON.parse(text).messages.map((message) => message.content);
  same(contents, [MARKS.system_legacy, MARKS.system_typed, "hello"]);
});

// -- responses

check("responses: both pre hooks edit the request", async (client) => {
  const text = (await client.responses.create({ model: "echo/echo-request", input: "hello" })).output_text;
  same([text.includes(MARKS.system_typed), text.includes(MARKS.system_legacy)], [true, true]);
  same(JSON.stringify(JSON.parse(text).input).includes("hello"), true);
});

check(
  "responses: the typed post hook edits the answer; the legacy one, which knows chats only, leaves it whole",
  async (client) => {
    const { data, response } = await client.responses.create({ model: "echo/echo", input: SECRETS }).withResponse();
    same(data.output_text, `echo: [redacted] ${MARKS.secret_legacy} [redacted] end`);
    const got = values(response.headers, "x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages");
    // The typed plugin inserts its message as `instructions`, which the legacy one does not count.
    same(got, ["typed", "1", "legacy", "1"]);
  },
);

check(
  "streamed responses: the chunk hooks edit the deltas, and events that repeat the text repeat what was sent",
  async (client) => {
    const events = await all(client.responses.create({ model: "echo/echo", input: SECRETS, stream: true }));
    const of = (type) => events.filter((event) => event.type === type);
    const deltas = of("response.output_text.delta").map((event) => event.delta);
    same(deltas.join(""), STREAMED);
    same(of("response.output_text.done").map((event) => event.text), [STREAMED]);
    const completed = of("response.completed").flatMap((event) => event.response.output);
    same(completed.flatMap((item) => item.content).map((part) => part.text), [STREAMED]);
  },
);

// -- text completion, embeddings, models

check("text completion: the typed post hook edits the answer, and no plugin inserts a message", async (client) => {
  const { data, response } = await client.completions
    .create({ model: "echo/echo", prompt: MARKS.secret_typed })
    .withResponse();
  same(data.choices.map((choice) => choice.text), ["echo: [redacted]"]);
  same(values(response.headers, "x-guard-messages", "x-legacy-messages"), ["1", "1"]);
});

check(
  "embeddings: one vector for each text, the same in either encoding, another for another text",
  async (client) => {
    const input = ["one", "two", "one"];
    const packed = await client.embeddings.create({ model: "echo/echo", input });
    const plain = await client.embeddings.create({ model: "echo/echo", input, encoding_format: "float" });
    same(packed.data.map((item) => item.index), [0, 1, 2]);
    const [first, second, third] = packed.data.map((item) => JSON.stringify(item.embedding));
    same([first === third, first === second], [true, false]);
    packed.data.forEach((item, text) => {
      const wanted = plain.data[text].embedding;
      same(item.embedding.length, wanted.length);
      same(item.embedding.every((value, index) => Math.abs(value - wanted[index]) < 1e-6), true);
    });
  },
);

check("embeddings: the hooks of both plugins run", async (client) => {
  const { response } = await client.embeddings.create({ model: "echo/echo", input: ["one", "two"] }).withResponse();
  const got = values(response.headers, "x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages");
  same(got, ["typed", "2", "legacy", "2"]);
  const refused = () => client.embeddings.create({ model: "echo/echo", input: MARKS.banned_typed });
  same((await fails(OpenAI.PermissionDeniedError, refused)).code, "banned_word");
});

check("models: the echo upstream's models are listed by the names that calls use", async (client) => {
  const models = await all(client.models.list());
  same(models.map((model) => model.id).includes("echo/echo"), true);
});

// -- failing calls

check(
  "a refusal, typed or legacy, is a 403 in OpenAI's shape; of two plugins the first one refuses",
  async (client) => {
    for (const [word, message] of REFUSALS) {
      const chat = { model: "echo/echo", messages: user(`a ${word} b`) };
      const error = await fails(OpenAI.PermissionDeniedError, () => client.chat.completions.create(chat));
      same([error.code, error.type, error.message.includes(message)], ["banned_word", "policy_violation", true]);
    }
  },
);

check("a refusal is the same for a stream, for responses and for a streamed response", async (client) => {
  for (const [word, message] of REFUSALS) {
    for (const call of [
      () => client.chat.completions.create({ model: "echo/echo", messages: user(word), stream: true }),
      () => client.responses.create({ model: "echo/echo", input: word }),
      () => client.responses.create({ model: "echo/echo", input: word, stream: true }),
    ]) {
      const error = await fails(OpenAI.PermissionDeniedError, call);
      same([error.code, error.message.includes(message)], ["banned_word", true]);
    }
  }
});

check("a refusal passes the HTTP response hooks of both plugins", async (client) => {
  const chat = { model: "echo/echo", messages: user(MARKS.banned_legacy) };
  const { headers } = await fails(OpenAI.PermissionDeniedError, () => client.chat.completions.create(chat));
  same(values(headers, "x-guard", "x-legacy"), ["typed", "legacy"]);
});

check("an HTTP request hook, typed or legacy, answers in the gateway's place", async (client) => {
  for (const [path, message] of [
    [MARKS.closed_typed, "heimdall-guard: this path is closed"],
    [MARKS.closed_legacy, "gen3: this path is closed"],
  ]) {
    const error = await fails(OpenAI.PermissionDeniedError, () => client.get(path.replace("/v1", "")));
    same([error.code, error.message.includes(message)], ["closed_path", true]);
  }
});

check("a model of no upstream is a 404 that names it", async (client) => {
  const chat = { model: "no-such-model", messages: user("hello") };
  const error = await fails(OpenAI.NotFoundError, () => client.chat.completions.create(chat));
  same([error.code, error.message.includes("no-such-model")], ["model_not_found", true]);
});

check("an unknown path is a 404", async (client) => {
  await fails(OpenAI.NotFoundError, () => client.get("/no-such-path"));
});

check("an upstream's error comes as it is, through the HTTP response hooks of both plugins", async (client) => {
  const chat = { model: "echo/echo-error-429", messages: user("hello") };
  const { headers } = await fails(OpenAI.RateLimitError, () => client.chat.completions.create(chat));
  same(values(headers, "x-guard", "x-legacy"), ["typed", "legacy"]);
});

check("an upstream that is down is a 502 that names it", async (client) => {
  const chat = { model: "down/some-model", messages: user("hello") };
  const error = await fails(OpenAI.InternalServerError, () => client.chat.completions.create(chat));
  same([error.status, error.message.includes("down")], [502, true]);
});

check("a stream that its upstream breaks off ends with an error, after what came before it", async (client) => {
  const messages = user("one two three four five six seven");
  let text = "";
  await fails(OpenAI.APIError, async () => {
    for await (const chunk of await client.chat.completions.create({
      model: "echo/echo-break-3",
      stream: true,
      messages,
    })) {
      text += chunk.choices.map((choice) => choice.delta.content ?? "").join("");
    }
  });
  same(text.startsWith("echo: one"), true);
});

// -- many at once

check("forty calls side by side, half of them streams: each gets its own answer", async (client) => {
  const numbers = [...Array(40).keys()];
  const one = async (number) => {
    const question = { model: "echo/echo", messages: user(`call ${number} ${MARKS.secret_both}`) };
    if (number % 2) return (await client.chat.completions.create(question)).choices[0].message.content;
    const chunks = await all(client.chat.completions.create({ stream: true, ...question }));
    return textOf(chunks);
  };
  const wanted = (number) => `echo: call ${number} ${number % 2 ? "[gen3 redacted]" : "[gen3 chunk redacted]"}`;
  same(await Promise.all(numbers.map(one)), numbers.map(wanted));
});
