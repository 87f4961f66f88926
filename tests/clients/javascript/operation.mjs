// What goes wrong, and what a client sees of it; and answers as they were recorded.

import { all, calls, check, client, ends, fails, MARKS, OpenAI, same, tag, textOf, user, values } from "./table.mjs";

const GREETING = "Hello! How can I assist you today?";
const COMPLETION = "\n\nThis is indeed a test";
const WEATHER = "get_current_weather";
const TOOLS = [
  [WEATHER, "location"],
  ["get_current_time", "zone"],
].map(([name, of]) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { [of]: { type: "string" } }, required: [of] } },
}));

/** The text of a chat's answer. */
async function text(client, chat) {
  if (chat.stream) return textOf(await all(client.chat.completions.create(chat)));
  return (await client.chat.completions.create(chat)).choices[0].message.content;
}

// -- recorded answers

check("recorded chat: the answer comes as it was recorded, whole and streamed", async (client) => {
  const chat = { model: "recorded/answers", messages: user("hello") };
  const whole = await client.chat.completions.create(chat);
  same([whole.id, whole.choices[0].message.content], ["chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", GREETING]);
  const chunks = await all(client.chat.completions.create({ ...chat, stream: true }));
  same([textOf(chunks), chunks.at(-1).usage.total_tokens], [GREETING, 29]);
});

check("recorded embeddings: each text has its vector", async (client) => {
  const request = { model: "recorded/answers", input: ["one", "two"], encoding_format: "float" };
  const answer = await client.embeddings.create(request);
  same(answer.data.map((item) => [item.index, item.embedding]), [[0, [0.25, -1.5]], [1, [0.25, -1.5]]]);
});

check("tools: a whole answer calls the function, and what the function gave goes back", async (client) => {
  const question = user("What is the weather like in Boston today?");
  const answer = await client.chat.completions.create({ model: "recorded/tools", messages: question, tools: TOOLS });
  const [call] = answer.choices[0].message.tool_calls;
  same([answer.choices[0].finish_reason, call.id, call.function.name], ["tool_calls", "call_abc123", WEATHER]);
  same(JSON.parse(call.function.arguments), { location: "Boston, MA" });
  // The next turn, as the upstream would get it.
  const turn = [...question, answer.choices[0].message, { role: "tool", tool_call_id: call.id, content: "12 °C" }];
  const echoed = await client.chat.completions.create({ model: "echo/echo-request", messages: turn, tools: TOOLS });
  const request = JSON.parse(echoed.choices[0].message.content);
  same(request.tools, TOOLS);
  same(request.messages.at(-2).tool_calls[0].function.name, WEATHER);
  same(request.messages.at(-1), turn.at(-1));
});

check("tools: a stream calls two functions, whose arguments come in pieces", async (client) => {
  const stream = client.chat.completions.stream({ model: "recorded/tools", messages: user("weather?"), tools: TOOLS });
  const [choice] = (await stream.finalChatCompletion()).choices;
  const called = choice.message.tool_calls.map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments)]);
  same(choice.finish_reason, "tool_calls");
  same(called, [
    ["call_abc123", WEATHER, { location: "Boston, MA" }],
    ["call_def456", "get_current_time", { zone: "EST" }],
  ]);
});

check("tools: a response calls the function", async (client) => {
  const answer = await client.responses.create({ model: "recorded/tools", input: "weather?" });
  const called = answer.output.map((item) => [item.type, item.name, JSON.parse(item.arguments)]);
  same(called, [["function_call", WEATHER, { location: "Boston, MA", unit: "celsius" }]]);
});

// -- retries and time

check("retries: the client's own get through after a 500 and after a 429", async () => {
  for (const status of [500, 429]) {
    const of = tag();
    const patient = client({ maxRetries: 1 });
    const chat = { model: `recorded/fails-${status}-1`, messages: user("hello"), user: of };
    const answer = await patient.chat.completions.create(chat);
    same(answer.choices[0].message.content, GREETING);
    await ends(of, [status, 200]);
  }
});

check(
  "retries: a client that has no more of them sees the last error, with the headers that it waits by",
  async (once) => {
    const limited = { model: "recorded/limited", messages: user("hello") };
    const error = await fails(OpenAI.RateLimitError, () => once.chat.completions.create(limited));
    same([error.status, error.code, error.type], [429, "rate_limit_exceeded", "requests"]);
    const limits = ["limit", "remaining", "reset"].map((what) => `x-ratelimit-${what}-requests`);
    same(values(error.headers, "retry-after", ...limits), ["7", "60", "0", "7s"]);
    const of = tag();
    const chat = { model: "recorded/fails-500-9", messages: user("hello"), user: of };
    const call = () => client({ maxRetries: 1 }).chat.completions.create(chat);
    const last = await fails(OpenAI.InternalServerError, call);
    same([last.status, last.type], [500, "server_error"]);
    await ends(of, [500, 500]);
  },
);

check("time: a client that waits no longer ends the upstream's call", async () => {
  const of = tag();
  const chat = { model: "recorded/hangs", messages: user("hello"), user: of };
  await fails(OpenAI.APIConnectionTimeoutError, () => client({ timeout: 3000 }).chat.completions.create(chat));
  await ends(of, ["left"]);
});

check("time: an upstream that takes longer than it may is a 504 that names it", async (client) => {
  const of = tag();
  const chat = { model: "hasty/hangs", messages: user("hello"), user: of };
  const error = await fails(OpenAI.InternalServerError, () => client.chat.completions.create(chat));
  same([error.status, error.code, error.message.includes("hasty")], [504, "upstream_timeout", true]);
  await ends(of, ["left"]);
});

check("retries: the gateway's own get through after a 500 and after a 429, whole and streamed", async (client) => {
  for (const status of [500, 429]) {
    for (const stream of [false, true]) {
      const of = tag();
      const chat = { model: `retrying/fails-${status}-2`, messages: user("hello"), user: of, stream };
      same(await text(client, chat), GREETING);
      await ends(of, [status, status, 200]);
    }
  }
});

check("retries: when the gateway has no more of them, the client sees the upstream's last error", async (client) => {
  const of = tag();
  const chat = { model: "retrying/fails-500-9", messages: user("hello"), user: of };
  const error = await fails(OpenAI.InternalServerError, () => client.chat.completions.create(chat));
  same([error.status, error.type], [500, "server_error"]);
  await ends(of, [500, 500, 500]);
  // What the client got wrong is not tried again.
  const wrong = { ...chat, model: "retrying/fails-400-9", user: tag() };
  await fails(OpenAI.BadRequestError, () => client.chat.completions.create(wrong));
  await ends(wrong.user, [400]);
});

// -- fallbacks

check("fallback: from an upstream that is down to a healthy one, for every kind of call", async (client) => {
  for (const model of ["fallen/answers", "failing/fails-500-1"]) {
    for (const stream of [false, true]) {
      same(await text(client, { model, messages: user("hello"), user: tag(), stream }), GREETING);
    }
  }
  const request = { model: "fallen/answers", input: "hello" };
  same((await client.responses.create(request)).output_text.startsWith("In a peaceful grove"), true);
  const embeddings = await client.embeddings.create({ ...request, encoding_format: "float" });
  same(embeddings.data[0].embedding, [0.25, -1.5]);
  const completion = await client.completions.create({ model: "fallen/answers", prompt: "hello" });
  same(completion.choices[0].text, COMPLETION);
});

check("fallback: the healthy upstream's answer passes the hooks of both plugins, and says whose it is", async (client) => {
  const chat = { model: "fallen/answers", messages: user("hello") };
  const { response } = await client.chat.completions.create(chat).withResponse();
  const got = values(response.headers, "x-guard", "x-guard-messages", "x-legacy", "x-legacy-messages");
  same(got, ["typed", "1", "legacy", "2"]);
  same(values(response.headers, "x-heimdall-upstream", "x-heimdall-attempts"), ["recorded", "2"]);
});

check(
  "fallback: a stream that breaks off before its first event falls back, a later one ends with an error",
  async (client) => {
    const chat = { messages: user("hello"), stream: true };
    same(await text(client, { model: "failing/breaks-0", ...chat }), GREETING);
    const error = await fails(OpenAI.APIError, () => text(client, { model: "failing/breaks-4", ...chat }));
    same(error.code, "upstream_broke_off");
  },
);

check(
  "fallback: a refusal of a plugin, and what the client got wrong, do not fall back",
  async (client) => {
    const of = tag();
    const refused = { model: "fallen/answers", messages: user(MARKS.banned_typed), user: of };
    const error = await fails(OpenAI.PermissionDeniedError, () => client.chat.completions.create(refused));
    same([error.code, await calls(of)], ["banned_word", []]);
    const wrong = { model: "failing/fails-400-1", messages: user("hello"), user: of };
    await fails(OpenAI.BadRequestError, () => client.chat.completions.create(wrong));
    await ends(of, [400]);
  },
);

// -- names of models, further paths

check("models: an alias and a route stand for an upstream's model", async (client) => {
  for (const model of ["best", "routed-model"]) {
    same(await text(client, { model, messages: user("hello") }), GREETING);
  }
});

check(
  "models: those of every upstream that answers are listed, and the aliases; each can be retrieved",
  async (client) => {
    const listed = (await all(client.models.list())).map((model) => model.id);
    for (const model of ["echo/echo", "recorded/answers", "best"]) {
      same(listed.includes(model), true);
      const got = await client.models.retrieve(model);
      same([got.id, got.object], [model, "model"]);
    }
    const error = await fails(OpenAI.NotFoundError, () => client.models.retrieve("recorded/no-such-model"));
    same([error.code, error.message.includes("no-such-model")], ["model_not_found", true]);
  },
);

check(
  "further paths: one that is listed is passed on through the HTTP hooks, another is a 404",
  async (client) => {
    const { data, response } = await client.moderations.create({ model: "answers", input: "hello" }).withResponse();
    same([data.results[0].flagged, ...values(response.headers, "x-guard", "x-legacy")], [true, "typed", "legacy"]);
    await fails(OpenAI.NotFoundError, () => client.images.generate({ model: "answers", prompt: "hello" }));
  },
);

// -- streams that end early

check("a client that leaves in mid-stream ends the upstream's stream", async (client) => {
  const of = tag();
  const chat = { model: "recorded/endless", messages: user("hello"), user: of, stream: true };
  let count = 0;
  for await (const chunk of await client.chat.completions.create(chat)) {
    same(chunk.object, "chat.completion.chunk");
    count += 1;
    if (count === 3) {
      same(await calls(of), [null]);
      break;
    }
  }
  await ends(of, ["left"]);
});

check("a recorded stream that breaks off ends with an error, after what came before it", async (client) => {
  const chat = { model: "recorded/breaks-4", messages: user("hello"), stream: true };
  const chunks = [];
  const error = await fails(OpenAI.APIError, async () => {
    for await (const chunk of await client.chat.completions.create(chat)) chunks.push(chunk);
  });
  same([error.message.includes("recorded"), error.code, textOf(chunks)], [true, "upstream_broke_off", "Hello!"]);
});
