// An upstream that speaks HTTP/2 and nothing else: without TLS by prior knowledge, and with TLS by ALPN.
//
//   node http2.mjs CERTIFICATE KEY
//
// It prints its ports as JSON. By the model: `answers` says which HTTP was spoken, whole or as a stream; `fails` is an
// error; `endless` streams until the other side leaves. The port `control` speaks HTTP/1.1 and tells how many sessions
// there were and how many streams the other side left.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer, createServer as createPlainServer } from "node:http2";

const seen = { plain: { sessions: 0, left: 0 }, secure: { sessions: 0, left: 0 } };
const [certificate, key] = process.argv.slice(2).map((file) => readFileSync(file));

function chunk(delta, finish) {
  const choices = [{ index: 0, delta, finish_reason: finish ?? null }];
  return `data: ${JSON.stringify({ id: "chatcmpl-2", object: "chat.completion.chunk", created: 1, model: "answers", choices })}\n\n`;
}

function answer(said) {
  const choices = [{ index: 0, message: { role: "assistant", content: said }, finish_reason: "stop" }];
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return { id: "chatcmpl-2", object: "chat.completion", created: 1, model: "answers", choices, usage };
}

function whole(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function stream(response, said, endless, noted) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(chunk({ role: "assistant", content: "" }));
  if (!endless) {
    for (const piece of said.split(/(?<= )/)) response.write(chunk({ content: piece }));
    response.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
    return;
  }
  const more = setInterval(() => response.write(chunk({ content: "more " })), 5);
  response.stream.on("close", () => {
    clearInterval(more);
    noted.left += 1;
  });
}

function serve(noted) {
  return async (request, response) => {
    if (request.url === "/v1/models") {
      whole(response, 200, { object: "list", data: [{ id: "answers", object: "model", created: 1, owned_by: "http2" }] });
      return;
    }
    let body = "";
    for await (const piece of request) body += piece;
    const asked = JSON.parse(body);
    const said = `HTTP/${request.httpVersion} with ${request.stream.session.alpnProtocol}`;
    if (asked.model === "fails") {
      whole(response, 503, { error: { message: "No server is free.", type: "server_error", param: null, code: null } });
    } else if (asked.stream) {
      stream(response, said, asked.model === "endless", noted);
    } else {
      whole(response, 200, answer(said));
    }
  };
}

function listen(server) {
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
}

function counted(server, noted) {
  return server.on("session", () => {
    noted.sessions += 1;
  });
}

console.log(
  JSON.stringify({
    plain: await listen(counted(createPlainServer(serve(seen.plain)), seen.plain)),
    secure: await listen(
      counted(createSecureServer({ cert: certificate, key, allowHTTP1: false }, serve(seen.secure)), seen.secure),
    ),
    control: await listen(createServer((_, response) => whole(response, 200, seen))),
  }),
);
